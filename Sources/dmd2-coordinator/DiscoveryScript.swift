import Checkpoints
import Coordination
import Foundation
import Glibc
import Synchronization

/// The program that a person wrote to say which hosts there are. Threading: free.
final class DiscoveryScript: Sendable {
    private let path: String
    private let running = Mutex<pid_t?>(nil)

    /// How long it may take, seconds.
    private static let limitSeconds = 30
    /// How `timeout` ends if the program took longer; where it then had to kill, it kills itself too.
    private static let tooLongCode: Int32 = 124

    init(_ path: String) { self.path = path }

    /// Runs it and reads its answer. Throws a `ProgramFailure` that says what is wrong with either.
    func hosts() throws -> [HostSlots] {
        let text = try output()
        do {
            return try HostListText.hosts(text)
        } catch {
            throw failure(.badConfiguration, "printed \(error)")
        }
    }

    /// Ends it if it runs.
    func end() {
        // `timeout` passes the signal on to all that the script has started.
        running.withLock { if let process = $0 { kill(process, SIGTERM) } }
    }

    private func output() throws -> String {
        guard access(path, X_OK) == 0 else {
            throw failure(.inputMissing, "cannot be started: \(systemErrorText()); name a program that may be executed")
        }
        let process = Process()
        let output = Pipe()
        // A script that hangs may hang in a program that it has started and that holds the pipe: `timeout` gives them a
        // process group, and ends that.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--kill-after=1", "\(Self.limitSeconds)", path.contains("/") ? path : "./\(path)"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw failure(.unavailable, "cannot be started by /usr/bin/timeout: \(error.localizedDescription)")
        }
        running.withLock { $0 = process.processIdentifier }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        running.withLock { $0 = nil }
        let (reason, code) = (process.terminationReason, process.terminationStatus)
        if reason == .exit ? code == Self.tooLongCode : code == SIGKILL {
            throw failure(.unavailable, "has not ended within \(Self.limitSeconds) s")
        }
        guard reason == .exit, code == 0 else {
            throw failure(.unavailable, "ended with code \(code); it must print lines NAME:SLOTS and end with 0")
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func failure(_ status: ExitStatus, _ what: String) -> ProgramFailure {
        ProgramFailure(status: status, description: "launch.discoveryScript: \(path) \(what)")
    }
}
