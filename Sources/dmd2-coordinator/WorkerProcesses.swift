import Coordination
import Foundation
import Glibc
import Subprocess
import SystemPackage
import Training

/// The launches as the coordinator sees them: a keeper for each, which outlives this process if it must, and the files
/// it writes. Threading: one thread.
final class WorkerProcesses {
    private let plan: LaunchPlan
    private let endpoint: String
    private let layout: RunFolderLayout
    private let inbox: Inbox
    private var current: Current?

    private struct Current {
        var generation: Int
        var logs: String
        var record: LaunchRecord?
        /// mpirun and its keeper, once they are known.
        var watched: [WatchedProcess] = []
        var lookedAt = 0.0

        mutating func begin(_ record: LaunchRecord) {
            self.record = record
            let mpirun = ProcessIdentity(pid: record.processGroup)
            watched =
                [WatchedProcess("the process that keeps the launch", record.keeper)]
                + (mpirun.map { [WatchedProcess("mpirun", $0)] } ?? [])
        }
    }

    /// Launches whose ranks connect to an endpoint. What happens to them is posted to the inbox.
    init(plan: LaunchPlan, endpoint: String, layout: RunFolderLayout, inbox: Inbox) {
        self.plan = plan
        self.endpoint = endpoint
        self.layout = layout
        self.inbox = inbox
    }

    /// The process group of the current launch's mpirun; 0 if there is none.
    var processGroup: pid_t { current?.record?.processGroup ?? 0 }

    /// Starts a launch and returns at once.
    func launch(generation: Int, on placement: LaunchPlacement) {
        let logs = layout.logs(ofGeneration: generation)
        current = Current(generation: generation, logs: logs)
        let order = plan.order(generation: generation, on: placement, endpoint: endpoint)
        do {
            try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
            try RecordFile.write(order, to: "\(logs)/launch-order.json")
        } catch {
            inbox.post(.launchImpossible(.runFolderUnusable, reason: "\(logs): \(error)"))
            return
        }
        let variables = plan.environment(endpoint: endpoint, generation: generation, on: placement)
        let (inbox, keeper) = (self.inbox, plan.keeper)
        Task.detached {
            var options = PlatformOptions()
            // A session of its own: what ends this program, such as Ctrl-C, must not end the launch.
            options.createSession = true
            do {
                let status = try await Subprocess.run(
                    .path(FilePath(keeper)),
                    arguments: ["launch", "--order", "\(logs)/launch-order.json"],
                    environment: .inherit.updating(
                        Dictionary(
                            uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
                    platformOptions: options, input: .none, output: .discarded, error: .discarded
                ).terminationStatus
                // One that could write nothing down would be waited for for ever.
                let files = [LaunchRecord.path(inLogs: logs), LaunchRecord.endPath(inLogs: logs)]
                guard files.allSatisfy({ access($0, F_OK) != 0 }) else { return }
                inbox.post(
                    .launchEnded(
                        generation: generation, .unseen, detail: "\(status) before it had started mpirun"))
            } catch {
                inbox.post(.launchImpossible(.unavailable, reason: "cannot start a launch: \(error)"))
            }
        }
    }

    /// Goes on with a launch that another coordinator began.
    func adopt(_ record: LaunchRecord) {
        var launch = Current(
            generation: record.order.generation, logs: layout.logs(ofGeneration: record.order.generation))
        launch.begin(record)
        current = launch
    }

    /// Looks what has become of the launch, and wakes what a signal has stopped of it. True if its mpirun has just been
    /// seen for the first time.
    func look(at now: Double) -> Bool {
        guard var launch = current else { return false }
        // The keeper writes how the launch ended and leaves. Asked often, so by the cheapest system call there is; a
        // number that another process has taken meanwhile is found out by the next proper look.
        let isKept = launch.record.map { kill($0.keeper.pid, 0) == 0 } ?? false
        guard !isKept || now - launch.lookedAt >= WatchedProcess.lookSeconds else { return false }
        launch.lookedAt = now
        let endPath = LaunchRecord.endPath(inLogs: launch.logs)
        if access(endPath, F_OK) == 0, let end = RecordFile.read(LaunchEnd.self, at: endPath) {
            current = nil
            report(end, of: launch)
            return false
        }
        defer { if current != nil { current = launch } }
        guard let record = launch.record else {
            guard let record = RecordFile.read(LaunchRecord.self, at: LaunchRecord.path(inLogs: launch.logs)) else {
                return false
            }
            launch.begin(record)
            return true
        }
        for index in launch.watched.indices {
            guard let seconds = launch.watched[index].look(at: now) else { continue }
            inbox.post(.woken(launch.watched[index].name, stoppedSeconds: seconds))
        }
        // Asked again at the next look, for as long as the kernel holds one of them.
        if !record.keeper.isAlive, access(endPath, F_OK) != 0, MarkedProcesses.kill(mark: record.order.mark) == nil {
            current = nil
            LaunchKeeper.remove(record.order.scratchFolders)
            report(LaunchEnd(processEnd: .unseen, detail: "", culprit: .init()), of: launch)
        }
        return false
    }

    /// Sends a signal to mpirun and what it started in its process group on this machine.
    func signal(_ number: Int32, generation: Int) {
        guard let current, current.generation == generation, let record = current.record else { return }
        kill(-record.processGroup, number)
        if number == SIGKILL { MarkedProcesses.kill(mark: record.order.mark) }
    }

    private func report(_ end: LaunchEnd, of launch: Current) {
        guard let processEnd = end.processEnd else {
            inbox.post(.launchImpossible(.unavailable, reason: end.detail))
            return
        }
        inbox.post(
            .launchEnded(generation: launch.generation, processEnd, detail: end.detail, culprit: end.culprit))
    }
}
