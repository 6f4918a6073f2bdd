import ArgumentParser
import CommandLineOptions
import Coordination
import Foundation
import Kernels
import Training

/// Looks at what a run depends on before it begins.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check a configuration's folder, launch, data, noise levels, teacher, memory and disk before a run.",
        discussion:
            "A line for each check, with --json one list of objects; ends with 78 if one failed. Writes nothing.")

    @Argument(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @OptionGroup var overrides: ConfigurationOverrides
    @OptionGroup var format: BenchmarkFormat

    func run() throws {
        let configuration = try RunConfiguration.load(path: config, overrides: overrides.assignments)
        ThreadPool.configure(threadCount: configuration.launch.threadsOfAllRanks)
        var findings: [Finding] = []
        Doctor(configuration).examine { finding in
            findings.append(finding)
            // A check may take a while: what is known is shown at once.
            guard !format.json else { return }
            print(FindingLine.text(finding))
            fflush(nil)
        }
        if format.json { print(try BenchmarkFormat.line(findings)) }
        let failed = findings.filter { $0.outcome == .failed }.map(\.name)
        guard failed.isEmpty else {
            throw CommandFailure(
                .badConfiguration,
                "\(failed.count) of \(findings.count) checks failed: \(failed.joined(separator: ", "))")
        }
    }
}
