import ArgumentParser
import CommandLineOptions
import Coordination
import Foundation
import Kernels
import Messaging
import Training

/// Launches the workers of a run, schedules their steps, publishes their checkpoints and restarts them when a rank
/// dies. `dmd2 run` starts it; it also works alone.
@main
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmd2-coordinator", abstract: "Supervises one run of dmd2-worker under mpirun.")

    @OptionGroup var options: StartedProgramOptions

    /// Runs to the end and leaves with the status that says how it went.
    static func main() {
        guard Processor.missingInstructionSets.isEmpty else {
            end(.processorUnsupported, Processor.missingInstructionsMessage)
        }
        do {
            let command = try parse()
            try command.supervise()
        } catch let failure as ProgramFailure {
            end(failure.status, failure.description)
        } catch {
            if let status = ExitStatus(for: error) { end(status, "\(error)") }
            switch exitCode(for: error) {
            case .success:
                print(fullMessage(for: error))
                Foundation.exit(ExitStatus.done.rawValue)
            case .validationFailure:
                end(.usage, "\(message(for: error)) (see dmd2-coordinator --help)")
            default:
                end(.unexpectedFailure, "\(error)")
            }
        }
    }

    private func supervise() throws {
        let configuration = try options.configuration().bindingTeacherFile()
        let fresh = options.run.beginsAgain(configuration)
        // Nothing is written before all that the run needs has been found.
        try OwnedRunFolder.checkAvailability(configuration: configuration, fresh: fresh)
        let rankBytes = try configuration.checkMemory(
            ranksHere: configuration.launch.ranks, dataBytes: try configuration.loadedDataBytes())
        let launch = try LaunchPlan(configuration: configuration, workerArguments: workerArguments(configuration))
        let keys = try configuration.coordinator.keyFolder?.coordinatorKeys()
        let socket = try RouterSocket(
            Context(), bindingTo: Endpoint(configuration.coordinator.endpoint), keys: keys)
        let server = try statusServer(configuration.coordinator)
        let folder = try OwnedRunFolder(configuration: configuration, fresh: fresh)
        let program = try CoordinatorProgram(
            configuration: configuration, folder: folder, launch: launch, socket: socket, server: server)
        TerminalLine.write(launch.summary(rankBytes: rankBytes))
        let (status, message) = try program.run()
        if status == .done { Foundation.exit(status.rawValue) }
        throw ProgramFailure(status: status, description: "\(configuration.run.name): \(message)")
    }

    /// The pages' server; nil if none is asked for.
    private func statusServer(_ configuration: CoordinatorConfiguration) throws -> StatusServer? {
        guard let endpoint = HTTPEndpoint(configuration.httpEndpoint) else { return nil }
        let token = configuration.httpToken.isEmpty ? nil : try SecretFile.read(configuration.httpToken)
        return try StatusServer(endpoint: endpoint, pages: StatusPages(token: token))
    }

    /// The workers read the same configuration, and find the same teacher or end. They never begin afresh: that has been
    /// done once, here.
    private func workerArguments(_ configuration: RunConfiguration) -> [String] {
        var run = options.run
        run.fresh = false
        if configuration.teacher.isGiven {
            run.overrides.assignments.append("teacher.weightsSHA256=\(configuration.teacher.weightsSHA256)")
        }
        return run.arguments(path: options.config)
    }

    private static func end(_ status: ExitStatus, _ message: String) -> Never {
        for line in message.split(whereSeparator: \.isNewline) { TerminalLine.write(String(line)) }
        Foundation.exit(status.rawValue)
    }
}

/// A line of this program on standard error, over whatever bar another program has drawn there.
enum TerminalLine {
    static func write(_ line: String) {
        let erase = isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : ""
        FileHandle.standardError.write(Data("\(erase)dmd2-coordinator: \(line)\n".utf8))
    }
}

/// Why the program ends, in one line.
struct ProgramFailure: Error, CustomStringConvertible {
    let status: ExitStatus
    let description: String
}
