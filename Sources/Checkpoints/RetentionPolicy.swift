/// Which checkpoints of a stage stay when a new one has been published.
package struct RetentionPolicy: Sendable, Equatable {
    /// So many of the newest that verify are kept.
    package let keepLast: Int
    /// Those whose step is a multiple of this are kept for good; 0: none.
    package let keepEvery: Int

    /// A policy. Traps if fewer than two were to be kept: the newest may turn out to be damaged.
    package init(keepLast: Int = 3, keepEvery: Int = 0) {
        precondition(keepLast >= 2, "checkpoints: \(keepLast) to keep, at least 2 are needed")
        precondition(keepEvery >= 0, "checkpoints: every \(keepEvery)th step to keep")
        (self.keepLast, self.keepEvery) = (keepLast, keepEvery)
    }

    /// The steps to remove, of those in `steps`, which are the published ones, newest first.
    ///
    /// `isSound` judges one and is asked from the newest on, until `keepLast` are sound; what is older goes, but for the
    /// steps of `keepEvery`. Nothing goes before so many are known to be sound.
    package func outdated(
        _ steps: [Int], isSound: (Int) throws(CheckpointError) -> Bool
    ) throws(CheckpointError) -> [Int] {
        var soundCount = 0
        var outdated: [Int] = []
        for step in steps {
            if soundCount < keepLast {
                if try isSound(step) { soundCount += 1 }
            } else if keepEvery == 0 || !step.isMultiple(of: keepEvery) {
                outdated.append(step)
            }
        }
        return outdated
    }
}
