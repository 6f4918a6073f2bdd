import Coordination
import Foundation
import Training

/// How mpirun is called to start one generation of workers.
struct LaunchPlan: Sendable {
    /// The mpirun program, looked up once.
    let mpirun: String
    private let worker: String
    private let workerArguments: [String]
    private let settings: LaunchConfiguration

    /// Finds mpirun and the worker beside this program. Throws a `ProgramFailure` that names what is missing.
    init(configuration: RunConfiguration, workerArguments: [String]) throws {
        settings = configuration.launch
        self.workerArguments = workerArguments
        guard let found = Self.findProgram(settings.mpirun) else {
            throw ProgramFailure(
                status: .unavailable,
                description:
                    "\(settings.mpirun) not found: install it (apt-get install openmpi-bin) or set launch.mpirun")
        }
        mpirun = found
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        worker = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("dmd2-worker").path
        guard FileManager.default.isExecutableFile(atPath: worker) else {
            throw ProgramFailure(
                status: .unavailable, description: "\(worker) is missing: build it (swift build -c release)")
        }
    }

    /// Arguments for mpirun.
    var arguments: [String] {
        var arguments = ["-n", "\(settings.ranks)", "--tag-output"]
        // Binding would put all threads of a rank on one core; slots are our business, not mpirun's.
        arguments += ["--oversubscribe", "--bind-to", "none"]
        if geteuid() == 0 { arguments.append("--allow-run-as-root") }
        // Waiting ranks must give way when there are more threads than cores: 70 times faster there.
        if settings.ranks * settings.threadsPerRank > ProcessInfo.processInfo.activeProcessorCount {
            arguments += ["--mca", "mpi_yield_when_idle", "1"]
        }
        // Reading another process's memory is forbidden in most containers.
        arguments += ["--mca", "btl_vader_single_copy_mechanism", "none"]
        // mpirun insists on a remote shell even where it starts nothing remote.
        if Self.findProgram("ssh") == nil, Self.findProgram("rsh") == nil {
            arguments += ["--mca", "plm", "isolated"]
        }
        // Seconds between SIGTERM and SIGKILL: a rank that must end has nothing left to save.
        arguments += ["--mca", "odls_base_sigkill_timeout", "1"]
        // A machine that was switched off would be noticed after eight minutes.
        for (name, value) in [("time", 10), ("intvl", 3), ("probes", 3)] {
            arguments += ["--mca", "oob_tcp_keepalive_\(name)", "\(value)"]
        }
        for variable in environment(endpoint: "", generation: 0).keys.sorted() { arguments += ["-x", variable] }
        return arguments + [worker] + workerArguments
    }

    /// Variables that every rank needs.
    func environment(endpoint: String, generation: Int) -> [String: String] {
        [
            ControlEnvironment.endpoint: endpoint,
            ControlEnvironment.generation: "\(generation)",
            "OMP_NUM_THREADS": "\(settings.threadsPerRank)",
        ]
    }

    /// A path as it is, a name in PATH.
    private static func findProgram(_ name: String) -> String? {
        let folders = name.contains("/") ? [""] : searchPath.map { $0 + "/" }
        return folders.map { $0 + name }.first(where: FileManager.default.isExecutableFile(atPath:))
    }

    private static var searchPath: [String] {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(
            String.init)
    }
}
