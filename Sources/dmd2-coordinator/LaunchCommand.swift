import ArgumentParser
import Coordination
import Foundation

/// `dmd2-coordinator launch`: the process that stays with one launch. The coordinator starts it; nobody types it.
struct LaunchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch", abstract: "Stay with one launch of the workers to its end.", shouldDisplay: false)

    @Option(help: "A file with the launch's order; its folder takes the logs.")
    var order: String

    func run() throws {
        guard let content = RecordFile.read(LaunchOrder.self, at: order) else {
            throw ProgramFailure(status: .inputMissing, description: "\(order): no launch's order")
        }
        // A terminal that goes away takes the coordinator with it, not the launch.
        signal(SIGHUP, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        let keeper = LaunchKeeper(
            order: content, logFolder: URL(fileURLWithPath: order).deletingLastPathComponent().path)
        let outcome = Outcome()
        let isOver = DispatchSemaphore(value: 0)
        Task.detached {
            do { try await keeper.run() } catch { outcome.set(error) }
            isOver.signal()
        }
        isOver.wait()
        if let error = outcome.error { throw error }
    }

    /// What the task met, once it is over.
    private final class Outcome: @unchecked Sendable {  // written before the semaphore is signalled, read after
        private(set) var error: (any Error)?
        func set(_ error: any Error) { self.error = error }
    }
}
