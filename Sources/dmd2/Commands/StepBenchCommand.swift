import ArgumentParser
import Communication
import Coordination
import Distillation
import Training

/// One training cycle, with the keys of the PyTorch peer's line so that both can be put side by side.
struct StepBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Time a DMD2 cycle: RATIO critic updates and one student update, on random images.",
        discussion: "With --ranks the batch is cut as in a run: into distil.shards, or as many as the ranks need.")

    @OptionGroup var cycle: CycleOptions

    @Option(
        help: "Processes that share each batch, started with mpirun on this machine; by default this process alone.")
    var ranks: Int?

    func validate() throws {
        if let ranks, ranks < 1 { throw ValidationError("--ranks \(ranks) is less than 1") }
    }

    func run() async throws {
        let configuration = try cycle.configuration()
        guard let ranks else {
            if let measured = try CycleBenchmark(configuration, cycles: cycle.cycles, warmup: cycle.warmup).run() {
                try cycle.show(measured, configuration)
            }
            return
        }
        _ = try cycle.shards(configuration, ranks: ranks)
        try await BenchmarkRanks.run(
            [StepRankCommand.name] + cycle.arguments, ranks: ranks,
            threadsPerRank: configuration.launch.threadsPerRank)
    }
}

/// One rank of the benchmark; rank 0 prints.
struct StepRankCommand: ParsableCommand {
    static let name = "step-rank"
    static let configuration = CommandConfiguration(commandName: name, shouldDisplay: false)

    @OptionGroup var cycle: CycleOptions

    func run() throws {
        let configuration = try cycle.configuration()
        let communicator = try MPICommunicator()
        let benchmark = CycleBenchmark(
            configuration, cycles: cycle.cycles, warmup: cycle.warmup, communicator: communicator,
            shards: try cycle.shards(configuration, ranks: communicator.size))
        if let measured = try benchmark.run() { try cycle.show(measured, configuration) }
        try communicator.finish()
    }
}

/// What is timed, and how often.
struct CycleOptions: ParsableArguments {
    @OptionGroup var subject: BenchmarkSubject

    @Option(help: "Cycles to time.")
    var cycles = 3

    @Option(help: "Cycles before them that are not timed.")
    var warmup = 1

    @Option(help: "How ranks sum their gradients, stable or fast; by default launch.reduction.")
    var reduction: String?

    func validate() throws {
        if cycles < 1 { throw ValidationError("--cycles \(cycles) is less than 1") }
        if warmup < 0 { throw ValidationError("--warmup \(warmup) is negative") }
    }

    /// The configuration in force. Throws a `ConfigurationError`.
    func configuration() throws -> RunConfiguration {
        try subject.configuration(settings: reduction.map { ["launch.reduction=\($0)"] } ?? [])
    }

    /// The parts of a batch for so many ranks. Throws a `CommandFailure` if the batch does not fall into them.
    func shards(_ configuration: RunConfiguration, ranks: Int) throws -> Int {
        let shards = max(configuration.distil.shards, ReductionBenchmark.shardCount(ranks: ranks))
        guard configuration.distil.batch.isMultiple(of: shards) else {
            throw CommandFailure(
                .usage,
                "a batch of \(configuration.distil.batch) does not fall into \(shards) shards for \(ranks) ranks; "
                    + "use fewer ranks, or --set distil.batch=\(shards * ((configuration.distil.batch / shards) + 1))")
        }
        return shards
    }

    /// Prints what was measured, on one line.
    func show(_ measured: CycleBenchmark.Measurement, _ configuration: RunConfiguration) throws {
        print(try BenchmarkFormat.line(CycleBenchmarkLine(configuration, cycles: cycles, warmup: warmup, measured)))
    }

    /// The command line that hands these options to a rank.
    var arguments: [String] {
        subject.arguments + ["--cycles", "\(cycles)", "--warmup", "\(warmup)"]
            + (reduction.map { ["--reduction", $0] } ?? [])
    }
}
