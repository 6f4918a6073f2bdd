import ArgumentParser
import Training

/// Benchmarks: measurements, nothing asserted.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure speed.",
        subcommands: [
            StepBenchCommand.self, KernelsBenchCommand.self, ReduceBenchCommand.self, ReduceRankCommand.self,
            SampleBenchCommand.self, StatusBenchCommand.self,
        ])
}

/// One training cycle, with the keys of the PyTorch peer's line so that both can be put side by side.
struct StepBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Time a DMD2 cycle: RATIO critic updates and one student update, on random images.")

    @OptionGroup var subject: BenchmarkSubject

    @Option(help: "Cycles to time.")
    var cycles = 3

    @Option(help: "Cycles before them that are not timed.")
    var warmup = 1

    func validate() throws {
        if cycles < 1 { throw ValidationError("--cycles \(cycles) is less than 1") }
        if warmup < 0 { throw ValidationError("--warmup \(warmup) is negative") }
    }

    func run() throws {
        let configuration = try subject.configuration()
        let measured = CycleBenchmark(configuration, cycles: cycles, warmup: warmup).run()
        print(try BenchmarkFormat.line(CycleBenchmarkLine(configuration, cycles: cycles, warmup: warmup, measured)))
    }
}
