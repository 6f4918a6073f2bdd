import ArgumentParser
import Coordination
import Kernels

/// The program a person types: starts runs, and asks and tells a live one.
@main
struct DMD2: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmd2",
        abstract: "Distil a diffusion model into a generator of one or a few steps, on CPUs.",
        subcommands: [
            RunCommand.self, DoctorCommand.self, PlanCommand.self, PairsCommand.self, CalibrateCommand.self,
            StatusCommand.self, SetCommand.self, CheckpointCommand.self, StopCommand.self, EventsCommand.self,
            KeysCommand.self, ExplainCommand.self, SampleCommand.self, BenchCommand.self,
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
