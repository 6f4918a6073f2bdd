import ArgumentParser
import CommandLineOptions
import Foundation
import Training

/// What a benchmark measures: the standard case or a configuration, with how many threads.
struct BenchmarkSubject: ParsableArguments {
    @Argument(help: "A configuration whose network, batch, ratio and threads are timed instead of the standard case.")
    var config: String?

    @OptionGroup var overrides: ConfigurationOverrides

    @Option(help: "Threads of a process; by default launch.threadsPerRank, 2 in the standard case.")
    var threads: Int?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads \(threads) is less than 1") }
    }

    /// The configuration in force; `settings` are further overrides, which win. Throws a `ConfigurationError`.
    func configuration(settings: [String] = []) throws -> RunConfiguration {
        let assignments = overrides.assignments + settings
        var configuration =
            if let config {
                try RunConfiguration.load(path: config, overrides: assignments)
            } else {
                try RunConfiguration.parse(
                    yaml: CycleBenchmark.standard.yaml, fileName: "the standard case", overrides: assignments)
            }
        if let threads { configuration.launch.threadsPerRank = threads }
        return configuration
    }

    /// The command line that hands these options to another process.
    var arguments: [String] {
        var arguments = config.map { [$0] } ?? []
        for assignment in overrides.assignments { arguments += ["--set", assignment] }
        if let threads { arguments += ["--threads", "\(threads)"] }
        return arguments
    }
}

/// A benchmark's answer: a table, or one JSON object.
struct BenchmarkFormat: ParsableArguments {
    @Flag(help: "Print JSON, on one line.")
    var json = false

    /// Prints the measurement.
    func show(_ measurement: some Encodable, text: () -> String) throws {
        print(json ? try Self.line(measurement) : text())
    }

    /// The measurement on one line, its keys in order.
    static func line(_ measurement: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(measurement), as: UTF8.self)
    }
}
