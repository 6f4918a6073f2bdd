import ArgumentParser
import Checkpoints
import CommandLineOptions
import Communication
import Coordination
import Foundation
import Kernels
import Logging
import Training

/// `dmd2-worker`: one rank of a run, started by mpirun, with or without a coordinator.
@main
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmd2-worker",
        abstract: "Train one rank of a run: mpirun -n 4 dmd2-worker --config configs/digits.yaml",
        discussion: "Without mpirun it is the only rank.")

    @OptionGroup var options: StartedProgramOptions

    static func main() {
        guard Processor.missingInstructionSets.isEmpty else {
            leave(.processorUnsupported, Processor.missingInstructionsMessage)
        }
        let command: WorkerCommand
        do {
            command = try parse()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            leave(.usage, message(for: error))
        }
        do {
            try command.run()
        } catch {
            let failure = RankFailure(error)
            leave(failure.status, failure.reason)
        }
    }

    func run() throws {
        StandardStream.outliveReaders()
        if let problem = Failpoint.environmentProblem { throw RankFailure(status: .usage, reason: problem) }
        let configuration = try options.configuration(settings: launchedRankOverride).bindingTeacherFile()
        try StagePlan(configuration).checkContains(options.lastStage.until)
        ThreadPool.configure(threadCount: configuration.launch.threadsPerRank)
        let communicator: any Communicator =
            MPICommunicator.isLaunched ? try MPICommunicator() : SelfCommunicator()
        let control: any ControlLink
        do {
            control = try connect(configuration, communicator)
        } catch {
            // Every rank learns of it and leaves in order: nothing to abort.
            try communicator.finish()
            throw error
        }
        do {
            let ending = try makeWorker(configuration, communicator, control).run()
            try communicator.finish()
            // A coordinator has asked for the stop itself, and an exit code other than 0 would tell it of a failure.
            if ending == .stopped && !ControlEnvironment.hasCoordinator {
                Self.exit(withError: ExitCode(ExitStatus.stoppedResumable.rawValue))
            }
        } catch {
            let failure = RankFailure(error)
            control.failed(failure.status, reason: failure.reason)
            Self.say("rank \(communicator.rank): \(failure.reason)")
            communicator.abort(code: failure.status.rawValue)
        }
    }

    private func makeWorker(
        _ configuration: RunConfiguration, _ communicator: any Communicator, _ control: any ControlLink
    ) -> Worker {
        let logger = Logger(label: "rank \(communicator.rank)") { StreamLogHandler.standardError(label: $0) }
        return Worker(
            configuration, communicator: communicator, control: control,
            nodeName: ControlEnvironment.nodeName(ofRank: communicator.rank),
            printsWeightsHash: options.run.printWeightsHash, upTo: options.lastStage.until, logger: logger
        ) { line in
            StandardStream.output.write("\(line)\n")
        }
    }

    /// The relations between ranks and shards are checked with the number of ranks that mpirun started.
    private var launchedRankOverride: [String] {
        ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"].map { ["launch.ranks=\($0)"] } ?? []
    }

    /// The ranks that mpirun started on this machine.
    private var ranksHere: Int? {
        ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_LOCAL_SIZE"].flatMap { Int($0) }
    }

    /// The line to whoever schedules the run. Without a coordinator rank 0 does, and tells the others the outcome.
    private func connect(
        _ configuration: RunConfiguration, _ communicator: any Communicator
    ) throws -> any ControlLink {
        let link = try ControlEnvironment.coordinatorLink(
            of: communicator, keys: configuration.coordinator.keyFolder)
        if let link { return link }
        // A signal that mpirun passes to all ranks must not end those that cannot decide to stop.
        TerminationSignals.startCounting()
        guard communicator.rank == 0 else { return SilentControl(generation: try outcome(from: communicator)) }
        do {
            let fresh = options.run.beginsAgain(configuration)
            try OwnedRunFolder.checkAvailability(configuration: configuration, fresh: fresh)
            try configuration.checkMemory(
                ranksHere: ranksHere ?? communicator.size, dataBytes: try configuration.loadedDataBytes())
            let folder = try OwnedRunFolder(configuration: configuration, fresh: fresh)
            let control = try InProcessControl(owning: folder, rankCount: communicator.size)
            try tell(Int32(control.generation), communicator)
            return control
        } catch {
            try tell(-RankFailure(error).status.rawValue, communicator)
            throw error
        }
    }

    /// Rank 0 tells the others the generation, or, as a negative number, the exit status of its failure.
    private func tell(_ outcome: Int32, _ communicator: any Communicator) throws {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: outcome >> (8 * $0)) }
        _ = try communicator.broadcast(message: bytes, from: 0)
    }

    /// The generation that rank 0 began; throws its failure, which it has reported itself.
    private func outcome(from communicator: any Communicator) throws -> Int {
        let bytes = try communicator.broadcast(message: [], from: 0)
        let value = bytes.reversed().reduce(Int32(0)) { $0 << 8 | Int32($1) }
        guard value > 0 else {
            throw RankFailure(status: ExitStatus(rawValue: -value) ?? .unexpectedFailure, reason: "")
        }
        return Int(value)
    }

    /// One line on standard error, of one rank only where all would say the same.
    private static func leave(_ status: ExitStatus, _ reason: String) -> Never {
        let isFirst = (ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] ?? "0") == "0"
        if !reason.isEmpty {
            // mpirun ends the job, and with it the rank that speaks, as soon as one rank has left with a failure.
            if isFirst { say(reason) } else { usleep(300_000) }
        }
        exit(withError: ExitCode(status.rawValue))
    }

    /// Lines on standard error, each with the program's name.
    private static func say(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map { "dmd2-worker: \($0)\n" }
        StandardStream.error.write(lines.joined())
    }
}

/// Why a rank ends, and with which status.
struct RankFailure: Error {
    let status: ExitStatus
    let reason: String

    init(status: ExitStatus, reason: String) { (self.status, self.reason) = (status, reason) }

    init(_ error: any Error) {
        if let failure = error as? RankFailure {
            self = failure
        } else {
            self.init(status: ExitStatus(for: error) ?? .unexpectedFailure, reason: "\(error)")
        }
    }
}
