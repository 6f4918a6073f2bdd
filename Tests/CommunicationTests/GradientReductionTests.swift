import Communication
import Testing

struct GradientReductionTests {
    static let shapes = [8, 16].flatMap { shardCount in (1...8).map { (shardCount, $0) } }

    @Test("The stable sum has the bits of the naive tree on every rank, at any number of ranks", arguments: shapes)
    func stable(shardCount: Int, rankCount: Int) throws {
        for elementCount in [1, 15, 64, 333] {
            let expected = (0..<3).map {
                ShardGradients.naiveSum(step: $0, shards: 0..<shardCount, elementCount: elementCount)
            }
            let sums = try InProcessCommunicator.run(rankCount: rankCount) { communicator in
                let reduction = ReductionMode.stable.makeReduction(
                    communicator: communicator, shardCount: shardCount, elementCount: elementCount)
                return try (0..<3).map { try ShardGradients.reduce(step: $0, with: reduction) }
            }
            for (rank, sum) in sums.enumerated() { #expect(sum == expected, "rank \(rank), \(elementCount) elements") }
        }
    }

    @Test("The order matters for these values, so equal bits are no accident")
    func orderMatters() {
        let tree = ShardGradients.naiveSum(step: 0, shards: 0..<8, elementCount: 64)
        let sequential = (0..<64).map { element in
            (0..<8).reduce(Float(0)) { $0 + ShardGradients.value(step: 0, shard: $1, element: element) }
        }
        #expect(tree != sequential)
    }

    @Test("The fast sum is the same on all ranks, and the naive sum up to rounding", arguments: 1...4)
    func fast(rankCount: Int) throws {
        let expected = ShardGradients.naiveSum(step: 0, shards: 0..<8, elementCount: 100)
        let sums = try InProcessCommunicator.run(rankCount: rankCount) { communicator in
            let reduction = ReductionMode.fast.makeReduction(
                communicator: communicator, shardCount: 8, elementCount: 100)
            return try ShardGradients.reduce(step: 0, with: reduction)
        }
        #expect(sums.allSatisfy { $0 == sums[0] })
        // Seven additions of values below 2^15, each rounded to within half an ulp of a partial sum below 2^18.
        let tolerance = 2 * 7 * Float(1 << 17).ulp
        for (value, reference) in zip(sums[0], expected) { #expect(abs(value - reference) <= tolerance) }
    }

    @Test("A single rank gets its own buffer back, and the same one every step")
    func noCopy() throws {
        let reduction = TreeReduction(communicator: SelfCommunicator(), shardCount: 4, elementCount: 32)
        var first: UnsafeMutablePointer<Float>?
        for step in 0..<3 {
            for shard in reduction.ownedShards {
                reduction.withLeaf(shard) { leaf in
                    if shard == 0 && step == 0 { first = leaf.baseAddress }
                    leaf[0] = 1
                }
            }
            let total = try reduction.finish()
            #expect(total.baseAddress == first)
            #expect(total[0] == 4 && total[1] == 0)
        }
    }

    @Test("A leaf whose computation failed can be computed again")
    func failedLeaf() throws {
        struct Interruption: Error {}
        let reduction = TreeReduction(communicator: SelfCommunicator(), shardCount: 2, elementCount: 1)
        reduction.withLeaf(0) { $0[0] = 1 }
        #expect(throws: Interruption.self) {
            try reduction.withLeaf(1) { leaf in
                leaf[0] = 99
                throw Interruption()
            }
        }
        reduction.withLeaf(1) { $0[0] += 2 }
        #expect(try reduction.finish()[0] == 3)
    }

    @Test("A shard out of turn traps")
    func outOfTurn() async {
        await #expect(processExitsWith: .failure) {
            let reduction = TreeReduction(communicator: SelfCommunicator(), shardCount: 2, elementCount: 1)
            reduction.withLeaf(1) { _ in }
        }
    }
}
