import Coordination
import Foundation
import Training

/// Finds the hosts that a run may use: the union of a host file, a discovery script and, where neither is given, the
/// nodes of a Slurm job.
struct HostDiscovery: Sendable {
    private let hostFile: String
    private let script: DiscoveryScript?
    private let environment: [String: String]

    /// How often the hosts are looked up, seconds.
    private static let pollSeconds = 1.0

    /// Nil if the run has this machine only.
    init?(_ settings: LaunchConfiguration, environment: [String: String] = ProcessInfo.processInfo.environment) {
        hostFile = settings.hostFile
        script = settings.discoveryScript.isEmpty ? nil : DiscoveryScript(settings.discoveryScript)
        self.environment = environment
        guard !hostFile.isEmpty || script != nil || (Int(environment["SLURM_JOB_NUM_NODES"] ?? "") ?? 0) > 1 else {
            return nil
        }
    }

    /// The hosts there are now. Throws a `HostFileError` or a `ProgramFailure` that says which list cannot be had.
    func find() throws -> [HostSlots] {
        var hosts: [HostSlots] = []
        if !hostFile.isEmpty { hosts += try HostFile(hostFile).hosts() }
        if let script { hosts += try script.hosts() }
        guard hostFile.isEmpty, script == nil else { return hosts }
        do {
            return try HostListText.slurmHosts(
                nodeList: environment["SLURM_JOB_NODELIST"] ?? "",
                tasksPerNode: environment["SLURM_TASKS_PER_NODE"] ?? "")
        } catch {
            throw ProgramFailure(status: .badConfiguration, description: "SLURM_JOB_NODELIST: \(error)")
        }
    }

    /// Looks the hosts up again and again, on a thread of its own, and posts what comes of it.
    func watch(_ inbox: Inbox) {
        Thread.detachNewThread {
            while true {
                Thread.sleep(forTimeInterval: Self.pollSeconds)
                do { inbox.post(.hostsFound(try find())) } catch { inbox.post(.hostsUnknown(reason: "\(error)")) }
            }
        }
    }

    /// Ends a script that runs: nobody waits for its answer any more.
    func stop() { script?.end() }
}
