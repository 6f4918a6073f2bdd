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
        guard let found = MPILaunch.findProgram(settings.mpirun) else {
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

    /// What is launched, in one line for a person; `rankBytes` is the memory that a rank is predicted to need.
    func summary(rankBytes: Int) -> String {
        let (ranks, threads) = (settings.ranks, settings.threadsPerRank)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let memory = settings.memoryBytes.map { " of \($0 >> 20) MiB" } ?? ""
        let crowd = ranks * threads > cores ? "; more threads than cores, which wait for each other" : ""
        return "\(ranks) \(ranks == 1 ? "rank" : "ranks") of \(threads) \(threads == 1 ? "thread" : "threads") on "
            + "\(cores) cores, bound to none; about \(rankBytes >> 20) MiB each\(memory)\(crowd)"
    }

    /// Arguments for mpirun.
    var arguments: [String] {
        var arguments = MPILaunch.arguments(ranks: settings.ranks, threadsPerRank: settings.threadsPerRank)
        arguments.append("--tag-output")
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
            ControlEnvironment.process: "\(getpid())",
            ControlEnvironment.generation: "\(generation)",
            "OMP_NUM_THREADS": "\(settings.threadsPerRank)",
        ]
    }
}
