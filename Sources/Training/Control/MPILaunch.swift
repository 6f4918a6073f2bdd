import Foundation

/// What every call of mpirun on this machine needs.
package enum MPILaunch {
    /// The arguments before the program, for so many processes; `hosts` as in `a:2,b:2`, nil: this machine.
    package static func arguments(ranks: Int, threadsPerRank: Int, hosts: String? = nil) -> [String] {
        var arguments = ["-n", "\(ranks)"]
        // Ranks fill one host after the other, as the control plane counts them.
        if let hosts { arguments += ["--host", hosts, "--map-by", "slot"] }
        // Binding would put all threads of a rank on one core; slots are our business, not mpirun's.
        arguments += ["--oversubscribe", "--bind-to", "none"]
        if geteuid() == 0 { arguments.append("--allow-run-as-root") }
        // Waiting ranks must give way when there are more threads than cores: 70 times faster there.
        if ranks * threadsPerRank > ProcessInfo.processInfo.activeProcessorCount {
            arguments += ["--mca", "mpi_yield_when_idle", "1"]
        }
        // Reading another process's memory is forbidden in most containers.
        arguments += ["--mca", "btl_vader_single_copy_mechanism", "none"]
        // mpirun insists on a remote shell even where it starts nothing remote.
        if hosts == nil, findProgram("ssh") == nil, findProgram("rsh") == nil {
            arguments += ["--mca", "plm", "isolated"]
        }
        return arguments
    }

    /// What to do where there is no mpirun.
    package static let missingAdvice = "install it (apt-get install openmpi-bin) or set launch.mpirun"

    /// A path as it is, a name in PATH; nil where there is no such program.
    package static func findProgram(_ name: String) -> String? {
        let folders = name.contains("/") ? [""] : searchPath.map { $0 + "/" }
        return folders.map { $0 + name }.first(where: FileManager.default.isExecutableFile(atPath:))
    }

    private static var searchPath: [String] {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(
            String.init)
    }
}
