/// What makes a run this run: its name, where it lives and its seed.
package struct RunIdentity: Sendable, Equatable {
    /// The run's name, shown by every program.
    package var name = ""

    /// The run folder, relative to the working directory unless it begins with a slash; `runs/NAME` by default.
    package var folder = ""

    /// Seed of every random draw of the run.
    package var seed: UInt64 = 1

    /// Steps after which each training stage ends early, and no evaluation follows; 0 runs to the end.
    package var stopAfter = 0
}
