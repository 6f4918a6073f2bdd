import Coordination
import Foundation
import Training

/// How mpirun is called to start one generation of workers.
struct LaunchPlan: Sendable {
    /// The mpirun program, looked up once.
    let mpirun: String
    /// This program's file, which keeps launches: looked up once too, since it may be replaced while it runs.
    let keeper: String
    private let worker: String
    private let workerArguments: [String]
    private let settings: LaunchConfiguration

    /// Finds mpirun and the worker beside this program. Throws a `ProgramFailure` that names what is missing.
    init(configuration: RunConfiguration, workerArguments: [String]) throws {
        settings = configuration.launch
        self.workerArguments = workerArguments
        guard let found = MPILaunch.findProgram(settings.mpirun) else {
            throw ProgramFailure(
                status: .unavailable, description: "\(settings.mpirun) not found: \(MPILaunch.missingAdvice)")
        }
        mpirun = found
        keeper = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        worker = URL(fileURLWithPath: keeper).deletingLastPathComponent().appendingPathComponent("dmd2-worker").path
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
        return "\(counted(ranks, "rank")) of \(counted(threads, "thread")) on "
            + "\(cores) cores, bound to none; about \(rankBytes >> 20) MiB each\(memory)\(crowd)"
    }

    /// What the keeper of a launch is to start.
    func order(generation: Int, on placement: LaunchPlacement, endpoint: String) -> LaunchOrder {
        let identity = UUID().uuidString
        // In containers that share a folder, processes and launches may have the same numbers.
        let name = "dmd2-\(identity.prefix(8))-\(generation)"
        let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        var scratch = ["\(temporary)/\(name)"]
        // Another machine has no such folder, and the variable goes to all of them.
        let isHere = placement.hosts.allSatisfy { ThisMachine.names.contains($0.name) }
        if isHere, FileManager.default.isWritableFile(atPath: "/dev/shm"),
            ProcessInfo.processInfo.environment["OMPI_MCA_btl_vader_backing_directory"] == nil
        {
            scratch.append("/dev/shm/\(name)")
        }
        return LaunchOrder(
            generation: generation, placement: placement, endpoint: endpoint,
            command: [mpirun] + arguments(for: placement),
            mark: "\(ControlEnvironment.launch)=\(identity)", scratchFolders: scratch)
    }

    /// True if a launch that was ordered earlier is one that this plan would order.
    func wouldOrder(_ order: LaunchOrder) -> Bool {
        order.command == [mpirun] + arguments(for: order.placement)
    }

    /// Arguments for mpirun.
    private func arguments(for placement: LaunchPlacement) -> [String] {
        var arguments = MPILaunch.arguments(
            ranks: placement.rankCount, threadsPerRank: settings.threadsPerRank,
            hosts: placement.hosts.isEmpty ? nil : placement.description)
        arguments.append("--tag-output")
        // Seconds between SIGTERM and SIGKILL, spent to the full: a rank that must end has nothing left to save.
        arguments += ["--mca", "odls_base_sigkill_timeout", "0"]
        // A machine that was switched off would be noticed after eight minutes.
        for (name, value) in [("time", 10), ("intvl", 3), ("probes", 3)] {
            arguments += ["--mca", "oob_tcp_keepalive_\(name)", "\(value)"]
        }
        let own = environment(endpoint: "", generation: 0, on: placement).keys.sorted()
        let variables = own + [ControlEnvironment.launch]
        for variable in variables { arguments += ["-x", variable] }
        return arguments + [worker] + workerArguments
    }

    /// Variables that every rank needs.
    func environment(endpoint: String, generation: Int, on placement: LaunchPlacement) -> [String: String] {
        [
            ControlEnvironment.endpoint: endpoint,
            ControlEnvironment.generation: "\(generation)",
            ControlEnvironment.hosts: placement.description,
            "OMP_NUM_THREADS": "\(settings.threadsPerRank)",
        ]
    }
}
