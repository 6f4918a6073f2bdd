package import Communication

/// How the workers are started. All but `reduction` may differ between two launches of one run.
///
/// A change of `threadsPerRank` moves the last bits of what follows; a change of `ranks` does not.
package struct LaunchConfiguration: Sendable, Equatable {
    /// Worker processes.
    package var ranks = 2

    /// Threads of each worker. The bits of the weights depend on this, since oneDNN splits sums over threads, and not on
    /// `ranks`.
    package var threadsPerRank = 1

    /// Memory that the ranks of one machine may use together, GiB; 0: all that the machine has. A launch that is predicted to
    /// need more is refused.
    package var memoryGiB = 0.0

    /// The mpirun program: a name to look up in PATH, or a path.
    package var mpirun = "mpirun"

    /// How gradients are summed over shards.
    package var reduction = ReductionMode.stable
}
