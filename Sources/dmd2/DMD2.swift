import ArgumentParser
import Coordination
import Kernels

/// The program a person types: starts runs, and asks and tells a live one.
@main
struct DMD2: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmd2",
        abstract: "Distil a diffusion model into a generator of one or a few steps, on CPUs.",
        discussion: """
            dmd2 run configs/digits.yaml begins; dmd2 status shows how it is doing. A command that fails says why in \
            one line, and ends with a code that README lists.
            """,
        subcommands: [
            RunCommand.self, DoctorCommand.self, PlanCommand.self, PairsCommand.self, CalibrateCommand.self,
            StatusCommand.self, SetCommand.self, CheckpointCommand.self, StopCommand.self, EventsCommand.self,
            ExplainCommand.self, SampleCommand.self, KeysCommand.self, BenchCommand.self,
        ])

    static func main() async {
        guard Processor.missingInstructionSets.isEmpty else {
            end(with: CommandFailure(.processorUnsupported, Processor.missingInstructionsMessage))
        }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
    }
}
