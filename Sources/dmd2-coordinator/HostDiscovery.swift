import Checkpoints
import Coordination
import Foundation
import Glibc
import Training

/// Finds the hosts that a run may use: the union of a host file, a discovery script and, where neither is given, the
/// nodes of a Slurm job.
struct HostDiscovery: Sendable {
    private let hostFile: String
    private let script: String
    private let environment: [String: String]

    /// How often the hosts are looked up, seconds.
    private static let pollSeconds = 1.0
    /// How long the script may take, seconds.
    private static let scriptSeconds = 30.0

    /// Nil if the run has this machine only.
    init?(_ settings: LaunchConfiguration, environment: [String: String] = ProcessInfo.processInfo.environment) {
        hostFile = settings.hostFile
        script = settings.discoveryScript
        self.environment = environment
        guard !hostFile.isEmpty || !script.isEmpty || (Int(environment["SLURM_JOB_NUM_NODES"] ?? "") ?? 0) > 1 else {
            return nil
        }
    }

    /// The hosts there are now. Throws a `HostFileError` or a `ProgramFailure` that says which list cannot be had.
    func find() throws -> [HostSlots] {
        var hosts: [HostSlots] = []
        if !hostFile.isEmpty { hosts += try HostFile(hostFile).hosts() }
        if !script.isEmpty { hosts += try parse(try scriptOutput()) }
        guard hostFile.isEmpty, script.isEmpty else { return hosts }
        do {
            return try HostListText.slurmHosts(
                nodeList: environment["SLURM_JOB_NODELIST"] ?? "",
                tasksPerNode: environment["SLURM_TASKS_PER_NODE"] ?? "")
        } catch {
            throw ProgramFailure(status: .badConfiguration, description: "SLURM_JOB_NODELIST: \(error)")
        }
    }

    /// Looks the hosts up again and again, on a thread of its own. A look-up that fails changes nothing.
    func watch(_ inbox: Inbox) {
        Thread.detachNewThread {
            while true {
                Thread.sleep(forTimeInterval: Self.pollSeconds)
                if let hosts = try? find() { inbox.post(.hostsFound(hosts)) }
            }
        }
    }

    private func parse(_ text: String) throws -> [HostSlots] {
        do {
            return try HostListText.hosts(text)
        } catch {
            throw ProgramFailure(
                status: .badConfiguration, description: "launch.discoveryScript: \(script): \(error)")
        }
    }

    private func scriptOutput() throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: script)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            let reason =
                access(script, X_OK) == 0
                ? "the system finds no program to run it with; its first line says which" : systemErrorText()
            throw ProgramFailure(
                status: .inputMissing,
                description: "launch.discoveryScript: \(script) cannot be started: \(reason)")
        }
        let deadline = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.scriptSeconds, execute: deadline)
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        deadline.cancel()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw ProgramFailure(
                status: .unavailable,
                description: "launch.discoveryScript: \(script) ended with code \(process.terminationStatus)")
        }
        return String(decoding: text, as: UTF8.self)
    }
}
