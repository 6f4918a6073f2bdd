import ArgumentParser
import Checkpoints
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
        commandName: "dmd2-coordinator", abstract: "Supervises one run of dmd2-worker under mpirun.",
        subcommands: [SuperviseCommand.self, LaunchCommand.self], defaultSubcommand: SuperviseCommand.self)

    /// Runs to the end and leaves with the status that says how it went.
    static func main() {
        guard Processor.missingInstructionSets.isEmpty else {
            end(.processorUnsupported, Processor.missingInstructionsMessage)
        }
        do {
            var command = try parseAsRoot()
            try command.run()
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

    private static func end(_ status: ExitStatus, _ message: String) -> Never {
        for line in message.split(whereSeparator: \.isNewline) { TerminalLine.write(String(line)) }
        Foundation.exit(status.rawValue)
    }
}

/// Runs a configuration to its end.
struct SuperviseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise", abstract: "Supervise one run of dmd2-worker under mpirun.")

    @OptionGroup var options: StartedProgramOptions

    @Flag(help: "Go on with what the run folder holds, also where these options would begin again.")
    var goOn = false

    func run() throws {
        StandardStream.outliveReaders()
        if let problem = Failpoint.environmentProblem { throw ProgramFailure(status: .usage, description: problem) }
        let configuration = try options.configuration().bindingTeacherFile()
        try StagePlan(configuration).checkContains(options.lastStage.until)
        let fresh = !goOn && options.run.beginsAgain(configuration)
        // Nothing is written before all that the run needs has been found.
        try OwnedRunFolder.checkAvailability(configuration: configuration, fresh: fresh)
        if fresh { EarlierLaunch.end(in: RunFolderLayout(configuration.run.folder)) }
        let hosts = HostDiscovery(configuration.launch)
        // The first look-up must succeed; later ones may fail.
        _ = try hosts?.find()
        // Another machine's disk only its ranks can see.
        let nodeFolder = hosts == nil ? NodeFolder(configuration.checkpoints, machine: ThisMachine.name) : nil
        try nodeFolder?.check()
        // Where hosts come and go, nothing is known of their memory but that this one takes a rank.
        let rankBytes = try configuration.checkMemory(
            ranksHere: hosts == nil ? configuration.launch.ranks : 1, dataBytes: try configuration.loadedDataBytes())
        let launch = try LaunchPlan(configuration: configuration, workerArguments: workerArguments(configuration))
        let keys = try configuration.coordinator.keyFolder?.coordinatorKeys()
        // The ranks of this machine would find out only when they are there.
        if hosts == nil { _ = try configuration.coordinator.keyFolder?.clientKeys(.worker) }
        let socket = try Self.socket(configuration, keys: keys, fresh: fresh)
        let server = try statusServer(configuration.coordinator)
        try nodeFolder?.make()
        let folder = try OwnedRunFolder(configuration: configuration, fresh: fresh)
        let program = try CoordinatorProgram(
            configuration: configuration, hosts: hosts, folder: folder, launch: launch, socket: socket, server: server,
            finishesStop: goOn)
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

    /// A socket at the port where the ranks of a launch that lives look for their coordinator; else where the configuration
    /// says.
    private static func socket(
        _ configuration: RunConfiguration, keys: CoordinatorKeys?, fresh: Bool
    ) throws -> RouterSocket {
        let configured = try Endpoint(configuration.coordinator.endpoint)
        if !fresh, let known = EarlierLaunch.endpoint(in: RunFolderLayout(configuration.run.folder)),
            let port = try? Endpoint(known).port, let endpoint = try? Endpoint("tcp://\(configured.host):\(port)"),
            // A context of its own: one that has failed to bind may keep what it began with.
            let socket = try? RouterSocket(Context(), bindingTo: endpoint, keys: keys)
        {
            return socket
        }
        return try RouterSocket(Context(), bindingTo: configured, keys: keys)
    }

    /// The workers read the same configuration, and find the same teacher or end. They never begin afresh: that has been
    /// done once, here.
    private func workerArguments(_ configuration: RunConfiguration) -> [String] {
        var run = options.run
        run.fresh = false
        if configuration.teacher.isGiven {
            run.overrides.assignments.append("teacher.weightsSHA256=\(configuration.teacher.weightsSHA256)")
        }
        return run.arguments(path: options.config, upTo: options.lastStage.until)
    }
}

/// A line of this program on standard error, over whatever bar another program has drawn there.
enum TerminalLine {
    static func write(_ line: String) {
        let erase = isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : ""
        StandardStream.error.write("\(erase)dmd2-coordinator: \(line)\n")
    }
}

/// Why the program ends, in one line.
struct ProgramFailure: Error, CustomStringConvertible {
    let status: ExitStatus
    let description: String
}
