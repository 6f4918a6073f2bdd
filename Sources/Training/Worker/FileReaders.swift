/// The search for a machine that has each file of a checkpoint as it was written. Kept by rank 0.
struct FileReaders {
    /// What all ranks do next.
    enum Proposal: Codable, Equatable {
        /// These ranks hash these files.
        case check([String: Int])
        /// Every file has a reader, who has hashed it.
        case settled([String: Int])
        /// This file is nowhere.
        case impossible(file: String)
    }

    private let files: [String]
    private let groups: NodeGroups
    /// For each file the ranks that can read it.
    private var holders: [String: [Int]]
    private var checked: [String: Int] = [:]

    /// Begins a search; `held` has what the machine of each rank says it has. On other ranks than 0 it is empty.
    init(files: [String], held: [[String]], groups: NodeGroups) {
        (self.files, self.groups) = (files, groups)
        holders = [:]
        for (rank, names) in held.enumerated() { for name in names { holders[name, default: []].append(rank) } }
    }

    /// What to do next. Files are spread over the ranks that have them.
    var proposal: Proposal {
        if checked.count == files.count { return .settled(checked) }
        var readers: [String: Int] = [:]
        for (index, file) in files.enumerated() where checked[file] == nil {
            guard let ranks = holders[file], !ranks.isEmpty else { return .impossible(file: file) }
            readers[file] = ranks[index % ranks.count]
        }
        return .check(readers)
    }

    /// The copy of a file on the machine of a rank is damaged.
    mutating func reject(_ file: String, onNodeOf rank: Int) {
        holders[file]?.removeAll { groups.nodes[$0] == groups.nodes[rank] }
        rejected.insert(file)
    }

    /// These readers have hashed their files; those that have been rejected meanwhile are still to be found elsewhere.
    mutating func noteChecked(_ readers: [String: Int]) {
        checked.merge(readers.filter { !rejected.contains($0.key) }) { first, _ in first }
        rejected = []
    }

    private var rejected: Set<String> = []
}
