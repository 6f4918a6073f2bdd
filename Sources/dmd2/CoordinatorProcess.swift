import Coordination
import Foundation
import Journal
import Subprocess
import SystemPackage
import Training

/// The coordinator of a run, started by this program and outlived by it; where a signal ends it, the next one goes on
/// with the ranks that it leaves running.
struct CoordinatorProcess: Sendable {
    let folder: RunFolder
    let arguments: [String]

    /// Deaths in a row, without a step between them, after which no other is started.
    private static let deathsToGiveUp = 5

    private enum Outcome: Sendable {
        case ended(TerminationStatus)
        case cancelled
    }

    /// Starts the coordinator, shows its progress and passes signals on until it ends.
    ///
    /// - Returns: its exit code.
    /// - Throws: a `CommandFailure` if it cannot be started, if a signal ends it once the run was asked to stop, or if
    ///   signals end it again and again.
    func run(showing progress: ProgressDisplay) async throws -> Int32 {
        StandardStream.outliveReaders()
        let interrupts = Interrupts()
        var deaths = 0
        var steps = 0
        while true {
            let status = try await run(
                deaths == 0 ? arguments : arguments + ["--go-on"], interrupts, showing: progress)
            switch status {
            case .exited(let code):
                await progress.finish()
                return code
            case .signaled(let signal):
                let completed = completedSteps
                deaths = completed > steps ? 1 : deaths + 1
                steps = completed
                if interrupts.haveArrived {
                    await progress.finish()
                    throw CommandFailure(
                        .stoppedResumable,
                        "signal \(signal) ended the coordinator while it stopped the run; dmd2 run goes on from the last "
                            + "checkpoint")
                }
                guard deaths < Self.deathsToGiveUp else {
                    await progress.finish()
                    throw CommandFailure(
                        .gaveUp,
                        "gave up after \(deaths) deaths of the coordinator without a step between them; last: signal "
                            + "\(signal)")
                }
                await progress.note("signal \(signal) ended the coordinator; the next one goes on with its ranks")
                // The first successor is immediate; then 1, 2, 4 … seconds, in case the obstacle passes by itself.
                if deaths > 1 { try await Task.sleep(for: .seconds(1 << (deaths - 2))) }
            }
        }
    }

    /// Steps of all stages that the journal has; 0 while there is none.
    private var completedSteps: Int { ((try? folder.journal().completedSteps()) ?? [:]).values.reduce(0, +) }

    /// One coordinator, from its start to its end.
    private func run(
        _ arguments: [String], _ interrupts: Interrupts, showing progress: ProgressDisplay
    ) async throws -> TerminationStatus {
        let program = try Self.siblingProgram("dmd2-coordinator")
        let started = AsyncStream.makeStream(of: pid_t.self)
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask {
                defer { started.continuation.finish() }
                return .ended(try await launch(program, arguments, started: started.continuation))
            }
            group.addTask {
                await progress.follow()
                return .cancelled
            }
            group.addTask {
                for await process in started.stream {
                    await progress.started(process)
                    async let isWatched: Void = watch(process, showing: progress)
                    await interrupts.forward(to: process, progress)
                    await isWatched
                }
                return .cancelled
            }
            while let outcome = try await group.next() {
                guard case .ended(let status) = outcome else { continue }
                group.cancelAll()
                return status
            }
            preconditionFailure("the coordinator's task ended without an outcome")
        }
    }

    /// Wakes the coordinator if a signal stops it, until the task is cancelled: it could not notice that itself.
    private func watch(_ process: pid_t, showing progress: ProgressDisplay) async {
        guard let identity = ProcessIdentity(pid: process) else { return }
        var coordinator = WatchedProcess("the coordinator", identity)
        while !Task.isCancelled {
            if let seconds = coordinator.look(at: monotonicSeconds()) {
                await progress.note(
                    "the coordinator had been stopped by a signal, and was woken after \(Int(seconds.rounded())) s")
            }
            try? await Task.sleep(for: .seconds(WatchedProcess.lookSeconds))
        }
    }

    private func launch(
        _ program: FilePath, _ arguments: [String], started: AsyncStream<pid_t>.Continuation
    ) async throws -> TerminationStatus {
        var options = PlatformOptions()
        // Its own process group: Ctrl-C reaches this program only, which then asks the coordinator to drain.
        options.processGroupID = 0
        let result = try await Subprocess.run(
            .path(program), arguments: Arguments(arguments), platformOptions: options, input: .none,
            output: .currentStandardOutput, error: .currentStandardError
        ) { started.yield($0.processIdentifier.value) }
        return result.terminationStatus
    }

    /// A program of this project beside the running one.
    private static func siblingProgram(_ name: String) throws -> FilePath {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = FilePath(own).removingLastComponent().appending(name)
        guard FileManager.default.isExecutableFile(atPath: path.string) else {
            throw CommandFailure(.unavailable, "\(path) is missing; build it with swift build -c release")
        }
        return path
    }
}
