/// Lines about what peers do wrong, at most one in a while: whoever may send may not fill the disk with the log of it.
struct Complaints {
    /// Between two lines, seconds.
    static let pauseSeconds = 10.0

    private var writtenAt = -Double.infinity
    private var withheld = 0

    /// The line to write about this, with how many were not written before it; nil if it is too soon.
    mutating func line(_ text: String, at now: Double) -> String? {
        guard now - writtenAt >= Self.pauseSeconds else {
            withheld += 1
            return nil
        }
        defer { (writtenAt, withheld) = (now, 0) }
        return withheld == 0 ? text : "\(text) (and \(withheld) more since the last such line)"
    }
}
