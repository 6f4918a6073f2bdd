import Communication
import Testing

struct ShardTreeTests {
    static let shapes = [1, 2, 8, 16].flatMap { shardCount in (1...shardCount).map { (shardCount, $0) } }

    @Test("Every shard belongs to exactly one rank, and the counts differ by at most one", arguments: shapes)
    func partition(shardCount: Int, rankCount: Int) {
        let tree = ShardTree(shardCount: shardCount, rankCount: rankCount)
        let owned = (0..<rankCount).map(tree.shards(of:))
        #expect(owned.flatMap { $0 } == Array(0..<shardCount))
        let counts = owned.map(\.count)
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }

    @Test("A rank's subtrees cover its shards in order and none could be larger", arguments: shapes)
    func subtrees(shardCount: Int, rankCount: Int) {
        let tree = ShardTree(shardCount: shardCount, rankCount: rankCount)
        for rank in 0..<rankCount {
            let subtrees = tree.subtrees(of: rank)
            #expect(subtrees.flatMap { Array($0.shards) } == Array(tree.shards(of: rank)))
            for (left, right) in zip(subtrees, subtrees.dropFirst()) {
                #expect(!(left.level == right.level && left.index % 2 == 0))
            }
        }
    }

    @Test("A single rank holds at most log2(L) + 1 partial sums at once", arguments: [1, 2, 8, 64, 256])
    func partialSums(shardCount: Int) {
        let tree = ShardTree(shardCount: shardCount, rankCount: 1)
        #expect(tree.partialSumCountMax(of: 0) == shardCount.trailingZeroBitCount + 1)
    }

    @Test("The merges use every partial sum once and end in the root", arguments: shapes)
    func merges(shardCount: Int, rankCount: Int) {
        let tree = ShardTree(shardCount: shardCount, rankCount: rankCount)
        var live = (0..<rankCount).flatMap(tree.subtrees(of:)).map { Optional($0.shards) }
        for merge in tree.merges {
            guard let left = live[merge.left], let right = live[merge.right] else {
                Issue.record("\(merge) uses a sum that is gone")
                return
            }
            #expect(left.upperBound == right.lowerBound && left.count == right.count)
            live[merge.left] = left.lowerBound..<right.upperBound
            live[merge.right] = nil
        }
        #expect(live.compactMap { $0 } == [0..<shardCount])
    }
}
