/// The sum over shards as a local sum and one all-reduce. The bits depend on the number of ranks.
package final class FastReduction: GradientReduction {
    package let ownedShards: Range<Int>
    package let elementCount: Int
    private let communicator: any Communicator
    private let sum: FloatBuffer
    private let leaf: FloatBuffer
    private var nextShard: Int

    /// Makes a reduction of vectors of `elementCount` elements over `shardCount` shards.
    ///
    /// Traps unless `shardCount` is a power of two and at least the number of ranks.
    package init(communicator: any Communicator, shardCount: Int, elementCount: Int) {
        let tree = ShardTree(shardCount: shardCount, rankCount: communicator.size)
        self.communicator = communicator
        self.elementCount = elementCount
        ownedShards = tree.shards(of: communicator.rank)
        nextShard = ownedShards.lowerBound
        sum = FloatBuffer(count: elementCount)
        leaf = FloatBuffer(count: ownedShards.count > 1 ? elementCount : 0)
    }

    package func withLeaf<Output>(
        _ shard: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Output
    ) rethrows -> Output {
        precondition(
            shard == nextShard && ownedShards.contains(shard), "reduction: shard \(shard), expected \(nextShard)")
        let isFirst = shard == ownedShards.lowerBound
        let buffer = isFirst ? sum.elements : leaf.elements
        buffer.update(repeating: 0)
        let output = try body(buffer)
        if !isFirst, let total = sum.elements.baseAddress, let addend = leaf.elements.baseAddress {
            addVectors(total, addend, into: total, count: elementCount)
        }
        nextShard += 1
        return output
    }

    package func finish() throws(CommunicationError) -> UnsafeMutableBufferPointer<Float> {
        precondition(nextShard == ownedShards.upperBound, "reduction: finished before shard \(nextShard)")
        nextShard = ownedShards.lowerBound
        try communicator.allReduceSum(sum.elements)
        return sum.elements
    }
}
