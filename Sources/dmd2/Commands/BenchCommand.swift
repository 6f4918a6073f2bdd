import ArgumentParser
import CommandLineOptions
import Diffusion
import Distillation
import Foundation
import Training

/// Benchmarks: measurements as JSON, nothing asserted.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure speed and print JSON.",
        subcommands: [StepBenchCommand.self, StatusBenchCommand.self])
}

/// One training cycle, with the keys of the PyTorch peer's line so that both can be put side by side.
struct StepBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Time a DMD2 cycle: RATIO critic updates and one student update, on random images.")

    @Argument(help: "A configuration whose network, batch, ratio and threads are timed instead of the standard case.")
    var config: String?

    @OptionGroup var overrides: ConfigurationOverrides

    @Option(help: "Threads of the process; by default launch.threadsPerRank, 2 in the standard case.")
    var threads: Int?

    @Option(help: "Cycles to time, after one that is not.")
    var cycles = 3

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads \(threads) is less than 1") }
        if cycles < 1 { throw ValidationError("--cycles \(cycles) is less than 1") }
    }

    func run() throws {
        var configuration =
            if let config {
                try RunConfiguration.load(path: config, overrides: overrides.assignments)
            } else {
                try RunConfiguration.parse(
                    yaml: CycleBenchmark.standard.yaml, fileName: "the standard case", overrides: overrides.assignments)
            }
        if let threads { configuration.launch.threadsPerRank = threads }
        let measured = CycleBenchmark(configuration, cycles: cycles).run()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let line = CycleBenchmarkLine(configuration, cycles: cycles, measured)
        print(String(decoding: try encoder.encode(line), as: UTF8.self))
    }
}
