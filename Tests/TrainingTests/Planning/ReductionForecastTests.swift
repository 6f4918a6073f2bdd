import Communication
import Testing
import Training

/// Times worked out by hand: a link of 1 GB/s with 10 us, memory of 12 GB/s, a vector of 3 million floats (12 MB).
struct ReductionForecastTests {
    private static let count = 3_000_000

    private func seconds(_ mode: ReductionMode, shards: Int, ranks: Int, ranksPerNode: Int) -> Double {
        ReductionForecast(
            mode, shards: shards, ranks: ranks,
            Interconnect(
                ranksPerNode: ranksPerNode, linkBytesPerSecond: 1e9, latencySeconds: 1e-5, memoryBytesPerSecond: 12e9)
        ).seconds(elementCount: Self.count)
    }

    /// Sums of a few terms in another order.
    private func expect(_ value: Double, _ expected: Double) {
        #expect(abs(value - expected) < 1e-9, "\(value), by hand \(expected)")
    }

    @Test("One rank sends nothing")
    func alone() {
        expect(seconds(.stable, shards: 4, ranks: 1, ranksPerNode: 1), 0)
    }

    @Test("Two machines: half the vector to the other, half added, half back")
    func twoMachines() {
        // 6 MB each way at 1 GB/s; one addition of 6 MB moves 18 MB.
        expect(seconds(.stable, shards: 2, ranks: 2, ranksPerNode: 1), 10e-6 + 6e-3 + 18e6 / 12e9 + 10e-6 + 6e-3)
        expect(seconds(.fast, shards: 2, ranks: 2, ranksPerNode: 1), 2 * (10e-6 + 6e-3) + 18e6 / 12e9)
    }

    @Test("Two ranks of one machine: every byte crosses the memory four times")
    func oneMachine() {
        let hop = 4 * 2 * 6e6 / 12e9
        expect(seconds(.stable, shards: 2, ranks: 2, ranksPerNode: 2), 10e-6 + hop + 2 * 18e6 / 12e9 + 10e-6 + hop)
    }

    @Test("Three ranks of four shards: the rank with both halves of a subtree sends one sum")
    func threeRanks() {
        // Subtrees: rank 0 has shard 0, rank 1 shard 1, rank 2 shards 2 and 3 as one. A slice is 4 MB; each sends it to two
        // others; three partial sums make two additions; the ring passes on two slices.
        expect(
            seconds(.stable, shards: 4, ranks: 3, ranksPerNode: 1),
            20e-6 + 8e-3 + 2 * 12e6 / 12e9 + 20e-6 + 8e-3)
    }

    @Test("A rank with two subtrees sends twice as much")
    func fiveRanksOfEight() {
        // 8 shards, 5 ranks: rank 1 has shards 1 and 2, which are no siblings: 2 sums. A slice is 2.4 MB. Subtrees in all:
        // 0 | 1, 2 | 3 | 4, 5 as one | 6, 7 as one: 6 sums, 5 additions of 2.4 MB.
        expect(
            seconds(.stable, shards: 8, ranks: 5, ranksPerNode: 1),
            8 * 10e-6 + 2 * 4 * 2.4e-3 + 5 * 3 * 2.4e6 / 12e9 + 4 * 10e-6 + 4 * 2.4e-3)
    }
}
