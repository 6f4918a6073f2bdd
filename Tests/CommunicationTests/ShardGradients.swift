import Communication

/// Made-up gradients whose sum depends on the order of its additions.
enum ShardGradients {
    /// Values of either sign over twelve binary orders of magnitude.
    static func value(step: Int, shard: Int, element: Int) -> Float {
        var bits = UInt64(truncatingIfNeeded: (step &* 1009 &+ shard) &* 1_000_003 &+ element) &* 0x9E37_79B9_7F4A_7C15
        bits ^= bits >> 29
        bits &*= 0xBF58_476D_1CE4_E5B9
        bits ^= bits >> 32
        let mantissa = Float(Int32(truncatingIfNeeded: bits)) / Float(Int32.max)
        return mantissa * Float(1 << (bits >> 60 & 0xF))
    }

    /// The sum in tree order, by recursion.
    static func naiveSum(step: Int, shards: Range<Int>, elementCount: Int) -> [Float] {
        guard shards.count > 1 else {
            return (0..<elementCount).map { value(step: step, shard: shards.lowerBound, element: $0) }
        }
        let middle = (shards.lowerBound + shards.upperBound) / 2
        let left = naiveSum(step: step, shards: shards.lowerBound..<middle, elementCount: elementCount)
        let right = naiveSum(step: step, shards: middle..<shards.upperBound, elementCount: elementCount)
        return zip(left, right).map { $0 + $1 }
    }

    /// One step of a worker's life: fills every owned leaf by accumulation, and returns the total.
    static func reduce(step: Int, with reduction: any GradientReduction) throws -> [Float] {
        for shard in reduction.ownedShards {
            reduction.withLeaf(shard) { leaf in
                for element in leaf.indices { leaf[element] += value(step: step, shard: shard, element: element) }
            }
        }
        return Array(try reduction.finish())
    }
}
