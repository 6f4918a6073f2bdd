import ArgumentParser
import CommandLineOptions
import Communication
import Coordination
import Distillation
import Evaluation
import Foundation
import Kernels
import Training

/// What a launch will need and how fast it will be, before it is launched.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Predict memory, step time and scaling of a configuration over numbers of ranks.",
        discussion: """
            Measures this machine's kernels at the configuration's shapes, or reads them from --rates. Ends with 69 if a \
            launch does not fit into the memory of its machines.
            """)

    @Argument(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @OptionGroup var overrides: ConfigurationOverrides
    @OptionGroup var format: BenchmarkFormat

    @Option(help: "Numbers of ranks, such as 1,2,4; by default launch.ranks and the powers of two up to the shards.")
    var ranks: String?

    @Option(help: "Ranks that share a machine; by default as many as it has cores for.")
    var ranksPerNode: Int?

    @Option(help: "Cores of a machine; by default as many as this one has.")
    var cores: Int?

    @Option(help: "Speed of the link between machines, Gbit/s.")
    var linkGbit = 10.0

    @Option(help: "Latency of a message between machines, microseconds.")
    var latencyUs = 30.0

    @Option(
        name: .customLong("memory-gib"), help: "Memory of a machine, GiB; by default launch.memoryGiB, or this one's.")
    var memoryGiB: Double?

    @Option(help: "A file with the output of dmd2 bench kernels --json, measured on the machine in question.")
    var rates: String?

    func validate() throws {
        if let ranksPerNode, ranksPerNode < 1 {
            throw ValidationError("--ranks-per-node \(ranksPerNode) is less than 1")
        }
        if let cores, cores < 1 { throw ValidationError("--cores \(cores) is less than 1") }
        if linkGbit <= 0 { throw ValidationError("--link-gbit \(linkGbit) is not greater than 0") }
        if latencyUs < 0 { throw ValidationError("--latency-us \(latencyUs) is negative") }
        if let memoryGiB, !(memoryGiB > 0 && memoryGiB <= 1e6) {
            throw ValidationError("--memory-gib \(memoryGiB) is not greater than 0 and at most 1e6")
        }
        if let ranks, Self.numbers(ranks) == nil {
            throw ValidationError("--ranks \(ranks) is not a list of numbers of at least 1, such as 1,2,4")
        }
    }

    func run() throws {
        let configuration = try RunConfiguration.load(path: config, overrides: overrides.assignments)
        let counts = try rankCounts(configuration)
        let cores = self.cores ?? ProcessInfo.processInfo.activeProcessorCount
        let together = ranksPerNode ?? max(1, cores / configuration.launch.threadsPerRank)
        // A plan is also made where the data are not.
        let dataBytes = try? configuration.loadedDataBytes()
        let forecast = try LaunchForecast(
            configuration, ranks: counts, measured: try measuredKernels(configuration),
            connection: Interconnect(
                ranksPerNode: together, linkBytesPerSecond: linkGbit * 1e9 / 8, latencySeconds: latencyUs * 1e-6,
                memoryBytesPerSecond: 0),
            nodeCores: cores,
            nodeBytes: memoryGiB.map { Int($0 * Double(1 << 30)) } ?? configuration.launch.memoryBytes,
            dataBytes: dataBytes ?? 0)
        try format.show(forecast) { text(forecast, dataAreCounted: dataBytes != nil) }
        if let row = forecast.launches.first(where: { !$0.fits }) {
            let machine = forecast.node_memory_mebibytes << 20
            let here = min(row.ranks, together)
            throw CommandFailure(
                .unavailable,
                MemoryShortage(ranks: here, rankBytes: row.rank_mebibytes << 20, machineBytes: machine)?.description
                    ?? "\(here) ranks need \(row.node_mebibytes) MiB, and the machine has \(machine >> 20) MiB")
        }
    }

    private static func numbers(_ text: String) -> [Int]? {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let counts = numbers.compactMap(\.self)
        return counts.count == numbers.count && counts.allSatisfy { $0 >= 1 } ? counts : nil
    }

    /// The launches to forecast; none may have more ranks than a stage has shards.
    private func rankCounts(_ configuration: RunConfiguration) throws -> [Int] {
        let most = min(
            configuration.distil.shards, configuration.teacher.shards, configuration.classifier.shards)
        if let counts = ranks.flatMap(Self.numbers) {
            if let count = counts.first(where: { $0 > most }) {
                throw CommandFailure(
                    .usage,
                    "\(count) ranks are more than the \(most) shards of a batch: --set distil.shards, teacher.shards "
                        + "and classifier.shards to at least as many, or ask for fewer ranks")
            }
            return counts
        }
        let powers = sequence(first: 1) { 2 * $0 }.prefix { $0 <= most }
        return Set(powers + [configuration.launch.ranks]).sorted()
    }

    /// The kernels at the shapes of one shard, with the threads of one rank.
    private func measuredKernels(_ configuration: RunConfiguration) throws -> KernelBenchmark.Measurement {
        let (images, threads) = (
            configuration.distil.batch / configuration.distil.shards, configuration.launch.threadsPerRank
        )
        guard let rates else {
            return KernelBenchmark(configuration, batch: images, secondsPerKernel: 0.02, callsPerKernel: 3).run()
        }
        guard let data = FileManager.default.contents(atPath: rates) else {
            throw CommandFailure(.inputMissing, "\(rates): no such file, or it cannot be read")
        }
        guard let measured = try? JSONDecoder().decode(KernelBenchmark.Measurement.self, from: data) else {
            throw CommandFailure(.badData, "\(rates) is not what dmd2 bench kernels --json prints: write it again")
        }
        guard measured.batch == images, measured.threads == threads else {
            throw CommandFailure(
                .badData,
                "\(rates) was measured with \(counted(measured.batch, "image")) at a time and "
                    + "\(counted(measured.threads, "thread")), a rank of this configuration computes \(images) with "
                    + "\(threads): write it again with dmd2 bench kernels \(config) --json")
        }
        return measured
    }

    private func text(_ forecast: LaunchForecast, dataAreCounted: Bool) -> String {
        let machine = forecast.node_memory_mebibytes
        let facts: [(name: String, value: String)] = [
            ("batch", "\(forecast.batch) images in \(forecast.shards) shards, \(forecast.reduction) reduction"),
            ("rank", "\(forecast.threads) threads"),
            (
                "node",
                "\(forecast.ranks_per_node) ranks, \(forecast.node_cores) cores, \(machine > 0 ? "\(machine) MiB" : "unknown memory"), "
                    + "link \(NumberText.figure(linkGbit)) Gbit/s, \(NumberText.figure(latencyUs)) us"
            ),
        ]
        let uses = forecast.memory.map { part in
            [part.network, part.use, NumberText.figure(part.mebibytes)]
        }
        let rows = forecast.launches.map { row in
            [
                "\(row.ranks)", "\(row.nodes)", "\(row.rank_mebibytes)", "\(row.node_mebibytes)",
                row.fits ? "yes" : "NO", NumberText.figure(row.cycle_seconds), NumberText.figure(row.passes_seconds),
                NumberText.figure(row.update_seconds), NumberText.figure(row.reduction_seconds),
                String(format: "%.0f%%", 100 * row.efficiency), NumberText.figure(row.images_per_second),
                NumberText.figure(row.distil_hours), NumberText.figure(row.teacher_hours),
            ]
        }
        let header = [
            "ranks", "nodes", "MiB a rank", "MiB a node", "fits", "s a cycle", "passes", "updates", "sums",
            "efficiency",
            "images/s", "distil h", "teacher h",
        ]
        var notes = dataAreCounted ? [] : ["The data are not there; their memory is not counted."]
        let crowded = forecast.launches.filter { !$0.fits_cores }.map { "\($0.ranks)" }
        if !crowded.isEmpty {
            notes.append(
                "With \(crowded.joined(separator: ", ")) ranks a node has more threads than cores "
                    + "(\(forecast.node_cores)), and takes longer than the row says: lower --ranks-per-node.")
        }
        return Rows.text(facts) + "\n\n" + Columns.text([["", "", "MiB"]] + uses, leftAligned: 2) + "\n\n"
            + Columns.text([header] + rows) + notes.map { "\n\n\($0)" }.joined()
    }
}
