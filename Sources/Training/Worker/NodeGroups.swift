/// The ranks of a launch by the machine they run on, and who keeps a second copy of what.
///
/// A rank's share of a checkpoint is kept on its own machine and on the next one, so that any one machine may be lost. All
/// ranks hold the same state: the copy is written from the memory of a rank there, and nothing travels.
struct NodeGroups: Equatable, Sendable {
    /// The machine of each rank.
    let nodes: [String]
    /// The ranks of each machine, ascending; machines in the order of their first rank.
    private let groups: [[Int]]
    /// The group of each rank.
    private let groupOfRank: [Int]

    /// Groups the ranks; `nodes` has the name of the machine of each.
    init(nodes: [String]) {
        self.nodes = nodes
        var groups: [[Int]] = []
        var groupOfNode: [String: Int] = [:]
        groupOfRank = nodes.enumerated().map { rank, node in
            let group = groupOfNode[node] ?? groups.count
            if group == groups.count { groups.append([]) }
            groupOfNode[node] = group
            groups[group].append(rank)
            return group
        }
        self.groups = groups
    }

    /// True for the lowest rank of a machine, which looks after its folder.
    func isLeader(_ rank: Int) -> Bool { groups[groupOfRank[rank]].first == rank }

    /// The ranks whose shares a rank writes: its own and, in ascending order, those it keeps a copy of. The ranks of the
    /// machine before share the copies among the ranks of this one in turns; a lone machine keeps none.
    func shares(writtenBy rank: Int) -> [Int] {
        let group = groupOfRank[rank]
        guard groups.count > 1 else { return [rank] }
        let before = groups[(group + groups.count - 1) % groups.count]
        let own = groups[group]
        let copies = before.enumerated().filter { own[$0.offset % own.count] == rank }.map(\.element)
        return [rank] + copies
    }

    /// The shares that a machine writes, by the machine of `rank`.
    func sharesOnNode(of rank: Int) -> [Int] { groups[groupOfRank[rank]].flatMap(shares(writtenBy:)) }
}
