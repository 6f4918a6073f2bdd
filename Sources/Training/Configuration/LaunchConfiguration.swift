/// How the workers are started. May differ between two launches of one run.
package struct LaunchConfiguration: Sendable, Equatable {
    /// Worker processes.
    package var ranks = 2

    /// Threads of each worker. The bits of the weights depend on neither this nor `ranks`.
    package var threadsPerRank = 1

    /// The mpirun program: a name to look up in PATH, or a path.
    package var mpirun = "mpirun"
}
