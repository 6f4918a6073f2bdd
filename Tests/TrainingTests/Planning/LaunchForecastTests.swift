import Communication
import Diffusion
import Distillation
import Foundation
import Layers
import Testing
import Training

struct LaunchForecastTests {
    /// Rates as `bench kernels --json` prints them: 100 GFLOP/s of everything that multiplies, and a memory that is never
    /// waited for.
    private static func rates(
        memory: Double = 1e9, others: Double = 100, place: String = "", without absent: String = ""
    ) throws -> KernelBenchmark.Measurement {
        let arithmetic = [
            "convolution forward", "convolution backward data", "convolution backward weights",
            "self-attention forward", "self-attention backward", "matrix product",
        ]
        let traffic = [
            "packing forward", "packing backward", "norm, modulation, SiLU forward", "norm, modulation, SiLU backward",
            "add", "AdamW",
        ]
        func row(_ kernel: String, _ rate: Double, _ unit: String) -> String {
            """
            {"kernel": "\(kernel)", "shape": "", "precision": "float32", "milliseconds": 1, "rate": \(rate),
             "unit": "\(unit)", "share_of_peak": 1\(kernel.hasPrefix("convolution") ? place : "")}
            """
        }
        let rows =
            arithmetic.filter { $0 != absent }.map { row($0, $0.hasPrefix("convolution") ? 100 : others, "GFLOP/s") }
            + traffic.filter { $0 != absent }.map { row($0, memory, "GB/s") }
        let json = """
            {"threads": 1, "batch": 2, "kernels": [\(rows.joined(separator: ","))],
             "peak": {"float32_gflops": 100, "bfloat16_source": "", "memory_gigabytes_per_second": \(memory)}}
            """
        return try JSONDecoder().decode(KernelBenchmark.Measurement.self, from: Data(json.utf8))
    }

    private func forecast(
        _ configuration: RunConfiguration, ranks: [Int], latency: Double = 0, memory: Double = 1e9,
        ranksPerNode: Int = 1, nodeCores: Int = 1, nodeBytes: Int? = nil
    ) throws -> LaunchForecast {
        try LaunchForecast(
            configuration, ranks: ranks, measured: try Self.rates(memory: memory),
            connection: Interconnect(
                ranksPerNode: ranksPerNode, linkBytesPerSecond: 1e18, latencySeconds: latency,
                memoryBytesPerSecond: 0),
            nodeCores: nodeCores, nodeBytes: nodeBytes, dataBytes: 0)
    }

    /// The operations of a cycle, by the count that has its own tests.
    private func operations(_ configuration: RunConfiguration) -> Double {
        let settings = configuration.distil
        let critic = CriticNetwork(Denoiser(configuration.network), headGroups: settings.headGroups)
        return CycleArithmetic(configuration.network, critic: critic.layout).cycle(
            batch: settings.batch, ratio: settings.ratio.typical, usesGAN: true)
    }

    @Test("Without memory to wait for, a cycle takes its operations by the kernels' speed")
    func arithmetic() throws {
        let configuration = RunConfiguration(name: "digits")
        let row = try forecast(configuration, ranks: [1]).launches[0]
        // What is read and written takes a share of 1e-6 or so at the memory's speed above.
        #expect(abs(row.cycle_seconds / (operations(configuration) / 1e11) - 1) < 1e-4)
        #expect(row.efficiency == 1 && row.shards == 4 && row.reduction_seconds == 0)
    }

    @Test("A convolution takes the time that one of its shape was measured to take, zeros at its edges or not")
    func edges() throws {
        func seconds(_ place: String) throws -> Double {
            // Everything but convolutions takes no time.
            let measured = try Self.rates(others: 1e9, place: place)
            return try LaunchForecast(
                RunConfiguration(name: "digits"), ranks: [1], measured: measured,
                connection: Interconnect(
                    ranksPerNode: 1, linkBytesPerSecond: 1e18, latencySeconds: 0, memoryBytesPerSecond: 0),
                nodeCores: 1, nodeBytes: nil, dataBytes: 0
            ).launches[0].cycle_seconds
        }
        // At 8x8 a 3x3 kernel covers 22 pixels along a side and counts as 24: the same rate says that it was faster.
        let ratio = try seconds(#", "kernel_side": 3, "side": 8"#) / seconds("")
        #expect(abs(ratio / (22.0 * 22 / (24 * 24)) - 1) < 1e-4)
    }

    @Test("A network of linear layers needs no rates of attention")
    func pointsPlan() throws {
        var configuration = RunConfiguration(name: "points")
        configuration.network = NetworkConfiguration(
            resolution: 1, imageChannels: 2, classes: 1, channels: 64, channelMultipliers: [1],
            channelMultiplierEmbedding: 4, blocks: 1, attentionResolutions: [])
        configuration.network.backbone = .mlp
        let measured = try Self.rates(without: "self-attention forward")
        let rows = try LaunchForecast(
            configuration, ranks: [1], measured: measured,
            connection: Interconnect(
                ranksPerNode: 1, linkBytesPerSecond: 1e18, latencySeconds: 0, memoryBytesPerSecond: 0),
            nodeCores: 1, nodeBytes: nil, dataBytes: 0
        ).launches
        #expect(rows[0].cycle_seconds > 0)
    }

    @Test("Ranks share the shards; a sum costs them two latencies an update")
    func ranks() throws {
        let configuration = RunConfiguration(name: "digits")
        let rows = try forecast(configuration, ranks: [1, 2, 3, 4], latency: 1e-3).launches
        // Of four shards three ranks have one, one and two.
        #expect(rows.map(\.shards) == [4, 2, 2, 1])
        let passes = operations(configuration) / 1e11
        // Five sums of the critic and one of the student: an exchange and a ring of one message each.
        #expect(abs(rows[1].cycle_seconds - (passes / 2 + 6 * 2e-3)) < 1e-4 * passes)
        #expect(abs(rows[3].passes_seconds - passes / 4) < 1e-4 * passes)
        #expect(abs(rows[1].efficiency - passes / (2 * rows[1].cycle_seconds)) < 1e-3)
    }

    @Test("An update reads and writes each weight's numbers once")
    func updates() throws {
        var configuration = RunConfiguration(name: "digits")
        configuration.distil.shards = 1
        let row = try forecast(configuration, ranks: [1], memory: 1).launches[0]
        let critic = CriticNetwork(Denoiser(configuration.network), headGroups: 8)
        // 1 GB/s. A gradient is zeroed; eight numbers of a weight pass by, and two more of the student's average.
        let student = Double(4 * (1 + 10) * critic.denoiser.layout.elementCount) / 1e9
        let updates = student + 5 * Double(4 * (1 + 8) * critic.layout.elementCount) / 1e9
        #expect(abs(row.update_seconds / updates - 1) < 1e-9)
    }

    @Test("A launch fits or not, by the ranks of one machine")
    func fits() throws {
        let configuration = RunConfiguration(name: "digits")
        let needed = MemoryForecast(configuration, ranks: 1, dataBytes: 0).total
        #expect(try forecast(configuration, ranks: [1], nodeBytes: needed).launches[0].fits)
        #expect(try !forecast(configuration, ranks: [1], nodeBytes: needed - 1).launches[0].fits)
        #expect(try forecast(configuration, ranks: [1]).launches[0].fits)
    }

    @Test("Ranks of one thread fit onto a machine's cores or not, as many as share it")
    func cores() throws {
        let rows = try forecast(RunConfiguration(name: "digits"), ranks: [1, 2, 4], ranksPerNode: 4, nodeCores: 2)
            .launches
        #expect(rows.map(\.fits_cores) == [true, true, false])
    }

    @Test("Rates that lack a kernel are refused by its name")
    func incompleteRates() throws {
        #expect(throws: LaunchForecastError.incompleteRates(missing: ["AdamW"])) {
            try LaunchForecast(
                RunConfiguration(name: "digits"), ranks: [1], measured: try Self.rates(without: "AdamW"),
                connection: Interconnect(
                    ranksPerNode: 1, linkBytesPerSecond: 1, latencySeconds: 0, memoryBytesPerSecond: 0),
                nodeCores: 1, nodeBytes: nil, dataBytes: 0)
        }
    }
}
