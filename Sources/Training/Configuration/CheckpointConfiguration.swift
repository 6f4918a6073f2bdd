package import Checkpoints

/// How dear checkpoints may be, and which stay.
package struct CheckpointConfiguration: Sendable, Equatable {
    /// So many of the newest of each stage are kept, all of which verify.
    package var keepLast = 3

    /// A checkpoint whose step is a multiple of this is kept for good; 0: none.
    package var keepEvery = 0

    /// The share of the time for which saves may hold the steps up. Where they take more, they are further apart than
    /// `checkpointEverySteps` says. 0: no limit.
    package var maximumStallShare = 0.0

    /// A folder on a disk of every machine's own, for saves between those in the run folder; `{host}` in it stands for the
    /// machine's name. Empty: no such saves.
    package var nodeFolder = ""

    /// Steps between two saves there.
    package var nodeEverySteps = 0

    /// The same for the store.
    package var retention: RetentionPolicy { RetentionPolicy(keepLast: keepLast, keepEvery: keepEvery) }
}
