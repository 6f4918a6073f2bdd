import Testing

/// The programs as people start them. One test at a time: each has several processes, and cores are few.
@Suite(.serialized)
struct ProgramTests {}
