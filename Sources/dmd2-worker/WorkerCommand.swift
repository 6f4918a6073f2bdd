import ArgumentParser
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
        abstract: "Train one rank of a run. Started by mpirun: mpirun -n 4 dmd2-worker --config configs/digits.yaml")

    @Option(help: "The configuration, such as configs/digits.yaml.")
    var config: String

    @Option(name: .customLong("set"), help: "Override a key of the configuration: section.key=value. May be repeated.")
    var overrides: [String] = []

    @Flag(help: "Start from the beginning: an earlier run in the folder is moved aside.")
    var fresh = false

    @Option(help: "End each training stage after this many steps; the run goes to its own folder unless run.folder is set.")
    var stopAfter: Int?

    @Flag(help: "Print the SHA-256 of each stage's final weights.")
    var printWeightsHash = false

    static func main() {
        guard Processor.missingInstructionSets.isEmpty else {
            leave(.processorUnsupported, Processor.missingInstructionsMessage)
        }
        do {
            let command = try parse()
            try command.run()
        } catch let error as RankFailure {
            leave(error.status, error.reason)
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            leave(.usage, message(for: error))
        }
    }

    func run() throws {
        let configuration: RunConfiguration
        do {
            configuration = try RunConfiguration.load(
                path: config, overrides: overrides + launchedRankOverride, stopAfter: stopAfter)
        } catch {
            throw RankFailure(error)
        }
        ThreadPool.configure(threadCount: configuration.launch.threadsPerRank)
        let communicator = try attempt { try MPICommunicator() }
        let logger = Logger(label: "rank \(communicator.rank)") { StreamLogHandler.standardError(label: $0) }
        let control: any ControlLink
        do {
            control = try connect(configuration, communicator)
        } catch {
            // Every rank learns of it and leaves in order: nothing to abort.
            try attempt { try communicator.finish() }
            throw error
        }
        do {
            let worker = Worker(
                configuration, communicator: communicator, control: control, printsWeightsHash: printWeightsHash,
                logger: logger
            ) { line in
                print(line)
                fflush(stdout)
            }
            let ending = try worker.run()
            try communicator.finish()
            if ending == .stopped { Self.exit(withError: ExitCode(ExitStatus.stoppedResumable.rawValue)) }
        } catch {
            let failure = RankFailure(error)
            control.failed(failure.status, reason: failure.reason)
            Self.say("rank \(communicator.rank): \(failure.reason)")
            communicator.abort(code: failure.status.rawValue)
        }
    }

    /// The relations between ranks and shards are checked with the number of ranks that mpirun started.
    private var launchedRankOverride: [String] {
        ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"].map { ["launch.ranks=\($0)"] } ?? []
    }

    /// The line to whoever schedules the run. Without a coordinator rank 0 does, and tells the others the outcome.
    private func connect(_ configuration: RunConfiguration, _ communicator: MPICommunicator) throws -> any ControlLink {
        if let link = try attempt({
            try ControlEnvironment.coordinatorLink(rank: communicator.rank, rankCount: communicator.size)
        }) {
            return link
        }
        var control: (any ControlLink)?
        var failure: RankFailure?
        if communicator.rank == 0 {
            TerminationSignals.startCounting()
            do {
                let folder = try OwnedRunFolder(
                    configuration: configuration, fresh: fresh || configuration.isProbe(overrides: overrides, stopAfter))
                control = try InProcessControl(owning: folder, rankCount: communicator.size)
            } catch {
                failure = RankFailure(error)
            }
        }
        // A positive number is the generation, a negative one the exit status of a failure on rank 0.
        let outcome = Int32(control?.generation ?? -Int(failure?.status.rawValue ?? 0))
        let message = try attempt {
            try communicator.broadcast(message: withUnsafeBytes(of: outcome.littleEndian, Array.init), from: 0)
        }
        if let failure { throw failure }
        if let control { return control }
        let value = message.reversed().reduce(Int32(0)) { $0 << 8 | Int32($1) }
        guard value > 0 else { throw RankFailure(status: ExitStatus(rawValue: -value) ?? .unexpectedFailure, reason: "") }
        return SilentControl(generation: Int(value))
    }

    private func attempt<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw RankFailure(error) }
    }

    /// One line on standard error, of one rank only where all would say the same.
    private static func leave(_ status: ExitStatus, _ reason: String) -> Never {
        let isFirst = (ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] ?? "0") == "0"
        if isFirst && !reason.isEmpty { say(reason) }
        exit(withError: ExitCode(status.rawValue))
    }

    private static func say(_ line: String) {
        FileHandle.standardError.write(Data("dmd2-worker: \(line)\n".utf8))
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
