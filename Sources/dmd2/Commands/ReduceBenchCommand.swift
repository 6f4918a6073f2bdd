import ArgumentParser
import Communication
import Coordination
import Evaluation
import Training

/// The all-reduce of gradients between processes: starts them with mpirun.
struct ReduceBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reduce", abstract: "Time the all-reduce of gradients between ranks, and compare its bits.")

    @OptionGroup var format: BenchmarkFormat

    @Option(help: "Processes, started with mpirun on this machine.")
    var ranks = 2

    @Option(help: "All-reduces of each kind and size.")
    var rounds = 11

    func validate() throws {
        if ranks < 1 { throw ValidationError("--ranks \(ranks) is less than 1") }
        if rounds < 1 { throw ValidationError("--rounds \(rounds) is less than 1") }
    }

    func run() async throws {
        let arguments = [ReduceRankCommand.name, "--rounds", "\(rounds)"] + (format.json ? ["--json"] : [])
        try await BenchmarkRanks.run(arguments, ranks: ranks, threadsPerRank: 1)
    }
}

/// One rank of the benchmark; rank 0 prints.
struct ReduceRankCommand: ParsableCommand {
    static let name = "reduce-rank"
    static let configuration = CommandConfiguration(commandName: name, shouldDisplay: false)

    @OptionGroup var format: BenchmarkFormat

    @Option(help: "All-reduces of each kind and size.")
    var rounds: Int

    func run() throws {
        let communicator = try MPICommunicator()
        let sizes = ReductionBenchmark.sizes(CycleBenchmark.standard)
        if let measured = try ReductionBenchmark(communicator, rounds: rounds).run(sizes: sizes) {
            try format.show(measured) { Self.text(measured) }
            let broken = measured.reductions.first {
                $0.reduction == ReductionMode.stable.rawValue
                    && !($0.same_bits_on_all_ranks && $0.same_bits_as_one_rank)
            }
            if let broken {
                throw CommandFailure(
                    .unexpectedFailure, "the stable sum of \(broken.elements) elements depends on the ranks")
            }
        }
        try communicator.finish()
    }

    private static func text(_ measured: ReductionBenchmark.Measurement) -> String {
        let rows = measured.reductions.map { row in
            [
                row.reduction, NumberText.count(row.elements), NumberText.figure(row.milliseconds),
                NumberText.figure(row.gigabytes_per_second), row.same_bits_on_all_ranks ? "yes" : "no",
                row.same_bits_as_one_rank ? "yes" : "no",
            ]
        }
        let header = ["reduction", "elements", "ms", "GB/s", "same bits on all ranks", "same bits as one rank"]
        return "\(measured.ranks) ranks, \(measured.shards) shards, median of \(measured.rounds)\n\n"
            + Columns.text([header] + rows)
    }
}
