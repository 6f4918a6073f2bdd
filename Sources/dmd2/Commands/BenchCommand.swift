import ArgumentParser
import Training

/// Benchmarks: measurements, nothing asserted.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure speed.",
        subcommands: [
            StepBenchCommand.self, StepRankCommand.self, KernelsBenchCommand.self, ReduceBenchCommand.self,
            ReduceRankCommand.self,
            SampleBenchCommand.self, StatusBenchCommand.self,
        ])
}
