package import Communication
import Diffusion
import Distillation
import Layers

/// Times the all-reduce of a gradient between the ranks of a communicator, and compares its bits.
package struct ReductionBenchmark {
    /// One kind of reduction at one size.
    package struct Row: Encodable, Sendable {
        package let reduction: String
        package let elements: Int
        /// Median over the rounds of the slowest rank.
        package let milliseconds: Double
        /// Billions of bytes of the vector a second, whatever travels for them.
        package let gigabytes_per_second: Double
        package let same_bits_on_all_ranks: Bool
        /// True where one rank alone, summing all shards, gets these bits too.
        package let same_bits_as_one_rank: Bool
    }

    /// What was measured.
    package struct Measurement: Encodable, Sendable {
        package let ranks: Int
        package let shards: Int
        package let rounds: Int
        package let reductions: [Row]
    }

    private let communicator: any Communicator
    private let shards: Int
    private let rounds: Int

    /// One shard a rank, and as many more as make a power of two; `rounds` all-reduces of each kind and size.
    package init(_ communicator: any Communicator, rounds: Int) {
        self.communicator = communicator
        self.rounds = rounds
        shards = Self.shardCount(ranks: communicator.size)
    }

    /// The least power of two that gives each rank a shard.
    package static func shardCount(ranks: Int) -> Int {
        var count = 1
        while count < ranks { count *= 2 }
        return count
    }

    /// The sizes: short vectors, and the gradients of a configuration's student and critic.
    package static func sizes(_ configuration: RunConfiguration) -> [Int] {
        let critic = CriticNetwork(
            Denoiser(configuration.network), configuration.distil)
        return [4_096, 65_536, 1_048_576, critic.denoiser.layout.elementCount, critic.layout.elementCount]
    }

    /// Measures both kinds of reduction at every size. Collective; the measurement is returned on rank 0.
    package func run(sizes: [Int]) throws -> Measurement? {
        var rows: [Row] = []
        for mode in ReductionMode.allCases {
            for count in sizes {
                if let row = try measure(mode, count) { rows.append(row) }
            }
        }
        guard communicator.rank == 0 else { return nil }
        return Measurement(ranks: communicator.size, shards: shards, rounds: rounds, reductions: rows)
    }

    private func measure(_ mode: ReductionMode, _ count: Int) throws -> Row? {
        let reduction = mode.makeReduction(communicator: communicator, shardCount: shards, elementCount: count)
        var seconds: [Double] = []
        var hash: UInt64 = 0
        for round in 0...rounds {
            Self.fill(reduction)
            try communicator.barrier()
            let start = monotonicSeconds()
            let sum = try reduction.finish()
            // The first one meets pages and connections that are not there yet.
            if round > 0 { seconds.append(monotonicSeconds() - start) }
            if round == rounds { hash = Self.hash(sum) }
        }
        let reports = try communicator.gather(words: [hash] + seconds.map(\.bitPattern))
        guard communicator.rank == 0 else { return nil }
        let slowest = (1...rounds).map { round in reports.map { Double(bitPattern: $0[round]) }.max() ?? 0 }
        let alone = mode.makeReduction(communicator: SelfCommunicator(), shardCount: shards, elementCount: count)
        Self.fill(alone)
        let expected = Self.hash(try alone.finish())
        return Row(
            reduction: mode.rawValue, elements: count, milliseconds: median(slowest) * 1e3,
            gigabytes_per_second: Double(4 * count) / median(slowest) / 1e9,
            same_bits_on_all_ranks: reports.allSatisfy { $0[0] == hash }, same_bits_as_one_rank: hash == expected)
    }

    /// Gives the shards of this rank vectors that depend on nothing but the shard's number; their sums are inexact.
    private static func fill(_ reduction: any GradientReduction) {
        for shard in reduction.ownedShards {
            reduction.withLeaf(shard) { leaf in
                var state = UInt32(truncatingIfNeeded: shard &+ 1) &* 0x9E37_79B9
                for index in leaf.indices {
                    state = state &* 1_664_525 &+ 1_013_904_223
                    leaf[index] = Float(Int32(bitPattern: state)) * 0x1p-31
                }
            }
        }
    }

    /// FNV-1a over the bit patterns.
    private static func hash(_ values: UnsafeMutableBufferPointer<Float>) -> UInt64 {
        values.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3 }
    }
}
