import Checkpoints
import Coordination
import Foundation
import Glibc
import Messaging
import Training

/// A launch as its keeper writes it down once mpirun runs, so that a later coordinator finds it.
struct LaunchRecord: Codable, Sendable {
    /// The process that stays with the launch.
    var keeper: ProcessIdentity
    /// mpirun's process group.
    var processGroup: pid_t
    /// What was asked for.
    var order: LaunchOrder

    /// Where the record of a launch is, in its folder of logs.
    static func path(inLogs folder: String) -> String { "\(folder)/launch.json" }

    /// Where its end is written down.
    static func endPath(inLogs folder: String) -> String { "\(folder)/launch-end.json" }
}

/// What a keeper is to start.
struct LaunchOrder: Codable, Equatable, Sendable {
    /// The launch's number.
    var generation: Int
    /// Where its ranks run.
    var placement: LaunchPlacement
    /// The coordinator's endpoint, which the ranks were told.
    var endpoint: String
    /// The mpirun program and its arguments.
    var command: [String]
    /// What every process of the launch on this machine has in its environment.
    var mark: String
    /// Folders of the launch's own, which go when it has ended: mpirun's sessions and shared memory.
    var scratchFolders: [String]
}

/// How a launch ended.
struct LaunchEnd: Codable, Equatable, Sendable {
    /// How mpirun ended; nil if it could not be started.
    var processEnd: Supervisor.ProcessEnd?
    /// Which rank mpirun found ended, and the last error any rank reported.
    var detail: String
    /// Whom mpirun names.
    var culprit: Supervisor.Culprit
}

/// A JSON file that is there as a whole or not at all.
enum RecordFile {
    static func read<Value: Decodable>(_ type: Value.Type, at path: String) -> Value? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(type, from: $0) }
    }

    static func write(_ value: some Encodable, to path: String) throws {
        try AtomicFile.write([UInt8](WireFormat.encode(value)), to: path)
    }
}

/// The processes of a launch on this machine, known by the mark in their environment: however they were started and
/// whoever is their parent.
enum MarkedProcesses {
    /// Kills them, and those they start meanwhile, until none is left. One that the kernel holds, as where a file server
    /// does not answer, is waited for; `waiting` is told of it once.
    static func end(mark: String, waiting: (pid_t) -> Void = { _ in }) {
        var pauseMilliseconds = 5
        while let process = kill(mark: mark) {
            usleep(UInt32(1000 * pauseMilliseconds))
            if pauseMilliseconds >= 1000 { continue }
            pauseMilliseconds *= 2
            if pauseMilliseconds >= 1000 { waiting(process) }
        }
    }

    /// Kills those that there are, and returns one of them; nil if there was none.
    @discardableResult
    static func kill(mark: String) -> pid_t? {
        let marked = living(mark: mark)
        for process in marked {
            Glibc.kill(process, SIGKILL)
            // Those whose parent this process has become are its to reap.
            waitpid(process, nil, WNOHANG)
        }
        return marked.first
    }

    private static func living(mark: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { process in
            guard process != getpid(),
                let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(mark.utf8) })
            else { return false }
            return ProcessIdentity(pid: process) != nil
        }
    }
}
