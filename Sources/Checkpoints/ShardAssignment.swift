/// Says which rank writes which tensor of a state that all ranks hold.
///
/// The largest remaining tensor goes to the rank with the fewest bytes so far (the lowest such rank), which keeps the
/// ranks within one tensor of each other. A pure function: every rank computes the same assignment.
/// Returns the rank of each tensor, in the order of `byteCounts`.
package func shardAssignment(byteCounts: [Int], rankCount: Int) -> [Int] {
    precondition(rankCount > 0, "shard assignment: \(rankCount) ranks")
    var load = Array(repeating: 0, count: rankCount)
    var ranks = Array(repeating: 0, count: byteCounts.count)
    let largestFirst = byteCounts.indices.sorted { (-byteCounts[$0], $0) < (-byteCounts[$1], $1) }
    for tensor in largestFirst {
        let rank = load.indices.reduce(0) { load[$1] < load[$0] ? $1 : $0 }
        ranks[tensor] = rank
        load[rank] += byteCounts[tensor]
    }
    return ranks
}
