import Communication
import Foundation
import Testing
import Training

/// Benchmarks of tiny networks: that they run and what they print. Nothing is said about the times.
struct BenchmarkTests {
    private let tiny = TinyRun().configuration

    private func object(_ value: some Encodable) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as? [String: Any])
    }

    @Test("The line of a cycle has the PyTorch peer's keys and our own")
    func cycleKeys() throws {
        let measured = try #require(try CycleBenchmark(tiny, cycles: 1, warmup: 0).run())
        let line = try object(CycleBenchmarkLine(tiny, cycles: 1, warmup: 0, measured))
        let peers: Set = [
            "framework", "ranks", "seconds_per_cycle", "critic_images_per_second", "peak_rss_mib", "parameters",
            "last_critic_loss", "threads", "batch", "resolution", "channels", "mult", "blocks", "attention", "labels",
            "ratio", "cycles", "bf16", "compile", "channels_last",
        ]
        let ours: Set = [
            "warmup", "images_per_second", "teraflop_per_cycle", "peak_gflops", "peak_source", "share_of_peak",
            "seconds_by_operation", "precision", "shards", "reduction",
        ]
        #expect(Set(line.keys) == peers.union(ours))
        let operations = try #require(line["seconds_by_operation"] as? [String: Double])
        #expect(
            Set(operations.keys) == [
                "convolution_forward", "convolution_backward_data", "convolution_backward_weights", "packing",
                "normalisation", "attention", "matrix_product", "elementwise", "optimiser", "reduction", "rest",
            ])
        // Sums of the same clock's readings, in another order.
        #expect(abs(operations.values.reduce(0, +) / measured.secondsPerCycle - 1) < 1e-6)
    }

    @Test("Ranks share a cycle: the critic's last loss has the same bits at any number of them", arguments: [2, 3])
    func cycleOfRanks(ranks: Int) throws {
        let alone = try #require(try CycleBenchmark(tiny, cycles: 1, warmup: 0, shards: 4).run())
        let results = try InProcessCommunicator.run(rankCount: ranks) { communicator in
            try CycleBenchmark(tiny, cycles: 1, warmup: 0, communicator: communicator, shards: 4).run()
        }
        let shared = try #require(results[0])
        #expect(results.dropFirst().allSatisfy { $0 == nil })
        #expect(shared.ranks == ranks && shared.shards == 4)
        #expect(shared.lastCriticLoss == alone.lastCriticLoss)
    }

    @Test("The kernels' object names the peaks, and a rate and its share for every kernel")
    func kernelKeys() throws {
        let measured = try object(KernelBenchmark(tiny, secondsPerKernel: 0, triadMebibytes: 1).run())
        #expect(Set(measured.keys) == ["threads", "batch", "peak", "kernels"])
        let peak = try #require(measured["peak"] as? [String: Any])
        #expect(peak["float32_gflops"] != nil && peak["memory_gigabytes_per_second"] != nil)
        #expect(peak["bfloat16_source"] != nil)
        let rows = try #require(measured["kernels"] as? [[String: Any]])
        for row in rows {
            #expect(
                Set(row.keys).isSuperset(
                    of: ["kernel", "shape", "precision", "milliseconds", "rate", "unit", "share_of_peak"]))
        }
        let kernels = Set(rows.compactMap { $0["kernel"] as? String })
        #expect(
            kernels.isSuperset(of: [
                "convolution forward", "convolution backward data", "convolution backward weights",
                "norm, modulation, SiLU forward", "norm, modulation, SiLU backward", "self-attention forward",
                "self-attention backward", "packing forward", "packing backward", "matrix product", "add", "AdamW",
            ]))
    }

    @Test("The stable reduction has one rank's bits on every rank", arguments: [1, 2, 3])
    func reduction(ranks: Int) throws {
        let results = try InProcessCommunicator.run(rankCount: ranks) { communicator in
            try ReductionBenchmark(communicator, rounds: 2).run(sizes: [5, 1000])
        }
        let measured = try #require(results[0])
        #expect(results.dropFirst().allSatisfy { $0 == nil })
        #expect(measured.reductions.map(\.elements) == [5, 1000, 5, 1000])
        let stable = measured.reductions.filter { $0.reduction == ReductionMode.stable.rawValue }
        #expect(stable.count == 2 && stable.allSatisfy { $0.same_bits_on_all_ranks && $0.same_bits_as_one_rank })
        let row = try #require(try object(measured)["reductions"] as? [[String: Any]]).first
        #expect(row?["gigabytes_per_second"] != nil && row?["milliseconds"] != nil)
    }

    @Test("Sampling times one call of the student and every call of the teacher")
    func sampling() throws {
        let measured = SamplingBenchmark(tiny, batch: 2, teacherSteps: [2, 3]).run()
        #expect(measured.samplers.map(\.network_calls) == [1, 3, 5])
        let row = try #require(try object(measured)["samplers"] as? [[String: Any]]).first
        #expect(
            Set((row ?? [:]).keys) == [
                "sampler", "network_calls", "seconds", "batches", "images_per_second", "student_is_times_faster",
            ])
    }
}
