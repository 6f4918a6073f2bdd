/// Sums one flat vector per logical shard over all shards of a batch, whichever ranks they are on.
///
/// Each step, every rank calls `withLeaf` once per shard it owns, in ascending order, and then `finish`.
/// Threading: the thread of the communicator.
package protocol GradientReduction: AnyObject {
    /// The shards this rank computes.
    var ownedShards: Range<Int> { get }

    /// The length of the vector.
    var elementCount: Int { get }

    /// Hands `body` a buffer of `elementCount` zeros in which to accumulate the vector of one shard.
    ///
    /// Does not allocate. If `body` throws, the shard counts as not yet given. Traps if `shard` is not the next one
    /// owned by this rank.
    func withLeaf<Output>(
        _ shard: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Output
    ) rethrows -> Output

    /// Returns the sum over all shards, the same bits on every rank. Collective.
    ///
    /// The buffer belongs to the reduction and is valid until the next call of `withLeaf`; the caller may overwrite
    /// it. Traps if a shard of this rank is missing.
    func finish() throws(CommunicationError) -> UnsafeMutableBufferPointer<Float>
}

/// How gradients are summed over shards.
package enum ReductionMode: String, Sendable, CaseIterable, Codable {
    /// Along the tree over shards: the same bits at any number of ranks. Moves (n - 1) / n of the vector per subtree a
    /// rank holds, and the same again for the result.
    case stable
    /// A local sum, then the library's all-reduce: less traffic, but the bits depend on the number of ranks.
    case fast

    /// Makes a reduction of this kind over the ranks of `communicator`.
    ///
    /// Traps unless `shardCount` is a power of two and at least the number of ranks.
    package func makeReduction(
        communicator: any Communicator, shardCount: Int, elementCount: Int
    ) -> any GradientReduction {
        switch self {
        case .stable:
            TreeReduction(communicator: communicator, shardCount: shardCount, elementCount: elementCount)
        case .fast:
            FastReduction(communicator: communicator, shardCount: shardCount, elementCount: elementCount)
        }
    }
}
