/// The sum over shards along `ShardTree`: bit-identical on every rank and for every number of ranks.
///
/// A rank sums its own subtrees while it computes. In `finish` every rank then owns one slice of the vector: all
/// partial sums of that slice are sent to it, it adds them in tree order, and the slices are gathered everywhere.
/// All buffers are made in `init`; a single rank copies nothing.
package final class TreeReduction: GradientReduction {
    package let ownedShards: Range<Int>
    package let elementCount: Int
    private let communicator: any Communicator

    /// `partials[i]` holds the sum of `pending.subtrees[i]`, so that siblings are neighbours.
    private let partials: [FloatBuffer]
    private var pending = PendingSubtrees()
    private var nextShard: Int

    private let plan: SlicePlan

    /// Makes a reduction of vectors of `elementCount` elements over `shardCount` shards.
    ///
    /// Traps unless `shardCount` is a power of two and at least the number of ranks.
    package init(communicator: any Communicator, shardCount: Int, elementCount: Int) {
        let tree = ShardTree(shardCount: shardCount, rankCount: communicator.size)
        self.communicator = communicator
        self.elementCount = elementCount
        ownedShards = tree.shards(of: communicator.rank)
        nextShard = ownedShards.lowerBound
        partials = (0..<tree.partialSumCountMax(of: communicator.rank)).map { _ in FloatBuffer(count: elementCount) }
        plan = SlicePlan(tree: tree, rank: communicator.rank, own: partials.map(\.elements), elementCount: elementCount)
    }

    package func withLeaf<Output>(
        _ shard: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Output
    ) rethrows -> Output {
        precondition(
            shard == nextShard && ownedShards.contains(shard), "reduction: shard \(shard), expected \(nextShard)")
        if shard == ownedShards.lowerBound { pending.removeAll() }
        let leaf = partials[pending.subtrees.count].elements
        leaf.update(repeating: 0)
        let output = try body(leaf)
        var right = pending.subtrees.count
        for _ in 0..<pending.push(Subtree(level: 0, index: shard)) {
            add(partials[right - 1].elements, partials[right].elements, into: partials[right - 1].elements)
            right -= 1
        }
        nextShard += 1
        return output
    }

    package func finish() throws(CommunicationError) -> UnsafeMutableBufferPointer<Float> {
        precondition(nextShard == ownedShards.upperBound, "reduction: finished before shard \(nextShard)")
        nextShard = ownedShards.lowerBound
        let total = partials[0].elements
        guard communicator.size > 1 else { return total }

        try communicator.exchange(sending: plan.outgoing, receiving: plan.incoming)
        for merge in plan.merges {
            // The last sum goes to its place in the result. The partial sum that was there is an operand of this very
            // addition, or has been used up by an earlier one.
            let isRoot = merge == plan.merges.last
            let left = plan.slices[merge.left]
            add(left, plan.slices[merge.right], into: isRoot ? plan.result : left)
        }
        try communicator.allGather(total, counts: plan.sliceCounts)
        return total
    }
}

private func add(
    _ left: UnsafeMutableBufferPointer<Float>, _ right: UnsafeMutableBufferPointer<Float>,
    into sum: UnsafeMutableBufferPointer<Float>
) {
    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress, let sumBase = sum.baseAddress else {
        return
    }
    addVectors(leftBase, rightBase, into: sumBase, count: sum.count)
}

/// Who sends which part of which partial sum to whom, and in which order the parts are added. It is the same every
/// step, so it is worked out once.
private struct SlicePlan {
    /// The length of each rank's slice of the vector.
    var sliceCounts: [Int]
    /// This rank's slice of the partial sums of all ranks, from left to right in the tree: its own ones in place.
    var slices: [UnsafeMutableBufferPointer<Float>] = []
    /// Where this rank's slice of the total belongs.
    var result: UnsafeMutableBufferPointer<Float>
    var outgoing: [Transfer] = []
    var incoming: [Transfer] = []
    var merges: [Merge]
    /// The memory behind the slices that come from other ranks.
    private var received: [FloatBuffer] = []

    init(tree: ShardTree, rank: Int, own: [UnsafeMutableBufferPointer<Float>], elementCount: Int) {
        let bounds = Self.sliceBounds(elementCount: elementCount, rankCount: tree.rankCount)
        sliceCounts = bounds.map(\.count)
        result = UnsafeMutableBufferPointer(rebasing: own[0][bounds[rank]])
        merges = tree.merges
        for peer in 0..<tree.rankCount {
            for number in tree.subtrees(of: peer).indices {
                if peer == rank {
                    slices.append(UnsafeMutableBufferPointer(rebasing: own[number][bounds[rank]]))
                } else {
                    let buffer = FloatBuffer(count: bounds[rank].count)
                    received.append(buffer)
                    slices.append(buffer.elements)
                    incoming.append(Transfer(peer: peer, values: buffer.elements))
                }
            }
            guard peer != rank else { continue }
            for number in tree.subtrees(of: rank).indices {
                let part = UnsafeMutableBufferPointer(rebasing: own[number][bounds[peer]])
                outgoing.append(Transfer(peer: peer, values: part))
            }
        }
    }

    /// Equal parts that begin at multiples of a cache line; the last ones are shorter, or empty.
    static func sliceBounds(elementCount: Int, rankCount: Int) -> [Range<Int>] {
        let lineCount = 16
        let stride = ((elementCount + rankCount - 1) / rankCount + lineCount - 1) / lineCount * lineCount
        return (0..<rankCount).map { min($0 * stride, elementCount)..<min(($0 + 1) * stride, elementCount) }
    }
}
