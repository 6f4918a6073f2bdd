/// The balanced binary tree over the logical shards of a batch, and how any number of ranks shares it.
///
/// A float sum depends on its order. Summing along this tree, which depends on the number of shards alone, gives the
/// same bits however many ranks there are: a rank sums the complete subtrees that lie in its shards, and the sums
/// of all ranks are then merged upwards to the root.
///
///     L = 8, n = 3            root
///                        /            \
///                    0..<4            4..<8
///                   /     \          /     \
///               0..<2    2..<4    4..<6    6..<8
///               /  \     /  \     /  \     /  \
///     shard    0    1   2    3   4    5   6    7
///     rank     0    0 | 1    1   1 |  2   2    2      subtrees: 0..<2 | 2..<4, 4 | 5, 6..<8
package struct ShardTree: Sendable, Equatable {
    /// The number of logical shards, L: a power of two.
    package let shardCount: Int
    /// The number of ranks, n: at most L.
    package let rankCount: Int

    /// Makes the tree. Traps unless `shardCount` is a power of two and `rankCount` is in `1...shardCount`.
    package init(shardCount: Int, rankCount: Int) {
        precondition(
            shardCount > 0 && shardCount & (shardCount - 1) == 0, "shard tree: \(shardCount) is not a power of two")
        precondition(
            (1...shardCount).contains(rankCount), "shard tree: \(rankCount) ranks for \(shardCount) shards")
        self.shardCount = shardCount
        self.rankCount = rankCount
    }

    /// The shards that `rank` computes: r L / n ..< (r + 1) L / n. Counts differ by at most one.
    package func shards(of rank: Int) -> Range<Int> {
        precondition((0..<rankCount).contains(rank), "shard tree: rank \(rank) of \(rankCount)")
        return rank * shardCount / rankCount..<(rank + 1) * shardCount / rankCount
    }

    /// The largest complete subtrees that lie within the shards of `rank`, from left to right.
    package func subtrees(of rank: Int) -> [Subtree] {
        var pending = PendingSubtrees()
        for shard in shards(of: rank) { _ = pending.push(Subtree(level: 0, index: shard)) }
        return pending.subtrees
    }

    /// The most partial sums `rank` holds at once while it goes through its shards from left to right.
    package func partialSumCountMax(of rank: Int) -> Int {
        var pending = PendingSubtrees()
        return shards(of: rank).reduce(0) { highest, shard in
            let mergeCount = pending.push(Subtree(level: 0, index: shard))
            return max(highest, pending.subtrees.count + mergeCount)
        }
    }

    /// The additions that turn the subtrees of all ranks, numbered from left to right, into the root's sum, which ends
    /// up in number 0.
    package var merges: [Merge] {
        var pending = PendingSubtrees()
        var numbers: [Int] = []
        var merges: [Merge] = []
        for (number, subtree) in (0..<rankCount).flatMap(subtrees(of:)).enumerated() {
            numbers.append(number)
            for _ in 0..<pending.push(subtree) {
                let right = numbers.removeLast()
                merges.append(Merge(left: numbers[numbers.count - 1], right: right))
            }
        }
        return merges
    }
}

/// A complete subtree: 2^level neighbouring shards.
package struct Subtree: Sendable, Equatable {
    /// The height: 0 for one shard.
    package var level: Int
    /// The position among the subtrees of this height.
    package var index: Int

    /// Makes the subtree of the given height and position.
    package init(level: Int, index: Int) {
        self.level = level
        self.index = index
    }

    /// The shards below.
    package var shards: Range<Int> { index << level..<(index + 1) << level }

    var parent: Subtree { Subtree(level: level + 1, index: index >> 1) }

    func isLeftSibling(of other: Subtree) -> Bool {
        level == other.level && index & 1 == 0 && other.index == index + 1
    }
}

/// One addition of the merge: number `left` becomes `left + right`, and `right` is done with.
package struct Merge: Sendable, Equatable {
    /// The summand on the left, and the place of the sum.
    package var left: Int
    /// The summand on the right.
    package var right: Int

    /// Makes an addition of `right` to `left`.
    package init(left: Int, right: Int) {
        self.left = left
        self.right = right
    }
}

/// Subtrees in order of arrival, from left to right, of which siblings merge as soon as both are there: a binary
/// counter and its carries.
struct PendingSubtrees {
    private(set) var subtrees: [Subtree] = []

    /// Appends a subtree and returns how many times the last two entries then became one.
    mutating func push(_ subtree: Subtree) -> Int {
        var carried = subtree
        var mergeCount = 0
        while let left = subtrees.last, left.isLeftSibling(of: carried) {
            subtrees.removeLast()
            carried = left.parent
            mergeCount += 1
        }
        subtrees.append(carried)
        return mergeCount
    }

    mutating func removeAll() { subtrees.removeAll(keepingCapacity: true) }
}
