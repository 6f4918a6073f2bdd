import Coordination
import Foundation
import Subprocess
import SystemPackage

/// The coordinator of a run, started by this program and outlived by it.
struct CoordinatorProcess: Sendable {
    let arguments: [String]

    private enum Outcome: Sendable {
        case ended(TerminationStatus)
        case cancelled
    }

    /// Starts the coordinator, shows its progress and passes signals on until it ends.
    ///
    /// - Returns: its exit code.
    /// - Throws: a `CommandFailure` if it cannot be started or a signal ended it.
    func run(showing progress: ProgressDisplay) async throws -> Int32 {
        let program = try Self.siblingProgram("dmd2-coordinator")
        let interrupts = Interrupts()
        let started = AsyncStream.makeStream(of: pid_t.self)

        let status = try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask {
                defer { started.continuation.finish() }
                return .ended(try await launch(program, started: started.continuation))
            }
            group.addTask {
                await progress.follow()
                return .cancelled
            }
            group.addTask {
                for await process in started.stream {
                    await progress.started(process)
                    await interrupts.forward(to: process, progress)
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
        await progress.finish()
        switch status {
        case .exited(let code):
            return code
        case .signaled(let signal):
            throw CommandFailure(
                .unexpectedFailure, "signal \(signal) ended the coordinator; dmd2 run goes on from the last checkpoint")
        }
    }

    private func launch(
        _ program: FilePath, started: AsyncStream<pid_t>.Continuation
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
