import CLinux
import Coordination
import Foundation
import Glibc
import Subprocess
import Synchronization
import SystemPackage
import Training

/// The processes of the current generation: mpirun, in a process group of its own, and what it started.
final class WorkerProcesses: Sendable {
    private let plan: LaunchPlan
    private let endpoint: String
    private let layout: RunFolderLayout
    private let post: @Sendable (Coordinator.Event) -> Void
    private let announcer = Announcer()
    private let current = Mutex<(generation: Int, group: pid_t)>((0, 0))

    /// Processes that connect to an endpoint and whose output goes to the run folder's logs. What happens to them is
    /// passed to `post`, on any thread.
    init(
        plan: LaunchPlan, endpoint: String, layout: RunFolderLayout,
        post: @escaping @Sendable (Coordinator.Event) -> Void
    ) {
        self.plan = plan
        self.endpoint = endpoint
        self.layout = layout
        self.post = post
        // Ranks that outlive mpirun become children of this process, which can then end them.
        // If the kernel refuses, they end by themselves once they miss mpirun.
        _ = shim_become_subreaper()
    }

    /// The process group of the current generation; 0 if there is none.
    var processGroup: pid_t { current.withLock(\.group) }

    /// Launches a generation and returns at once.
    func launch(generation: Int, started: @escaping @Sendable () -> Void) {
        Task.detached { [self] in
            do {
                let output = try RankOutput(
                    folder: layout.logs(ofGeneration: generation), announce: announcer.announce)
                let status = try await run(generation: generation, output: output, started: started)
                current.withLock { $0.group = 0 }
                Orphans.end()
                post(.launchEnded(generation: generation, processEnd(status), detail: output.lastWords))
            } catch {
                current.withLock { $0.group = 0 }
                Orphans.end()
                post(.launchImpossible(.unavailable, reason: "cannot start \(plan.mpirun): \(error)"))
            }
        }
    }

    /// Sends a signal to every process of a generation that mpirun started on this machine.
    func signal(_ number: Int32, generation: Int) {
        let group = current.withLock { $0.generation == generation ? $0.group : 0 }
        if group > 0 { kill(-group, number) }
    }

    private func run(
        generation: Int, output: RankOutput, started: @escaping @Sendable () -> Void
    ) async throws -> TerminationStatus {
        var options = PlatformOptions()
        // A Ctrl-C at the terminal must reach the coordinator only, which then saves before it stops the ranks.
        options.processGroupID = 0
        let variables = plan.environment(endpoint: endpoint, generation: generation)
        return try await Subprocess.run(
            .path(FilePath(plan.mpirun)), arguments: Arguments(plan.arguments),
            environment: .inherit.updating(
                Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0.key), $0.value) })),
            platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
        ) { execution in
            current.withLock { $0 = (generation, execution.processIdentifier.value) }
            started()
            for try await line in execution.standardOutput.strings() { output.take(line) }
        }.terminationStatus
    }

    private func processEnd(_ status: TerminationStatus) -> Supervisor.ProcessEnd {
        switch status {
        case .exited(let code): .exited(code: code)
        case .signaled(let number): .signalled(number: number)
        }
    }
}

/// Processes that lost their parent and were given to this one.
enum Orphans {
    /// Ends and reaps them, and those they leave behind, until none is left.
    static func end() {
        while true {
            let orphans = children()
            if orphans.isEmpty { return }
            for process in orphans {
                kill(process, SIGKILL)
                waitpid(process, nil, 0)
            }
        }
    }

    /// The processes whose parent this one is.
    private static func children() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { parent(of: $0) == getpid() }
    }

    /// Field 4 of `/proc/N/stat`; the name before it is in parentheses and may hold anything.
    private static func parent(of process: pid_t) -> pid_t? {
        guard let stat = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
        let text = String(decoding: stat, as: UTF8.self)
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[name...].split(separator: " ")
        return fields.count > 2 ? pid_t(fields[2]) : nil
    }
}
