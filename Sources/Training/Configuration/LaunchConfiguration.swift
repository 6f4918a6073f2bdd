package import Communication

/// How the workers are started. All but `reduction` may differ between two launches of one run.
///
/// A change of `threadsPerRank` moves the last bits of what follows; a change of `ranks` does not.
package struct LaunchConfiguration: Sendable, Equatable {
    /// Worker processes; with hosts the most of them.
    package var ranks = 2

    /// The fewest ranks worth running, where hosts come and go.
    package var minRanks = 1

    /// A file of lines `NAME slots=N`, read again every second; empty: none.
    package var hostFile = ""

    /// A program that prints lines `NAME:SLOTS`, run again every second; empty: none.
    package var discoveryScript = ""

    /// How long slots for more ranks must have been there before the run is saved and started again on them, seconds.
    package var growAfterSeconds = 60.0

    /// Threads of each worker. The bits of the weights depend on this, since oneDNN splits sums over threads, and not on
    /// `ranks`.
    package var threadsPerRank = 1

    /// The threads of all ranks together, for a command that does their work in one process.
    package var threadsOfAllRanks: Int { ranks * threadsPerRank }

    /// Memory that the ranks of one machine may use together, GiB; 0: all that the machine has. A launch that is predicted to
    /// need more is refused.
    package var memoryGiB = 0.0

    /// The mpirun program: a name to look up in PATH, or a path.
    package var mpirun = "mpirun"

    /// How gradients are summed over shards.
    package var reduction = ReductionMode.stable
}
