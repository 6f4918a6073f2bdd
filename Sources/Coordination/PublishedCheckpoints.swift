/// The checkpoints a run has published and may still go on from.
///
/// Told what happens to them, or again from the journal. Times are seconds on one clock.
package struct PublishedCheckpoints: Equatable, Sendable {
    /// One that was published.
    package struct Checkpoint: Equatable, Sendable {
        /// Its stage.
        package var stage: String
        /// Completed steps of the stage.
        package var step: Int
        /// When it was published.
        package var time: Double
    }

    private var checkpoints: [Checkpoint] = []

    /// None yet.
    package init() {}

    /// The one with the most steps of the last stage that has any; nil if there is none.
    package var newest: Checkpoint? {
        guard let stage = checkpoints.last?.stage else { return nil }
        return checkpoints.filter { $0.stage == stage }.max { $0.step < $1.step }
    }

    /// Takes in a publication, the first of this state or one more.
    package mutating func published(stage: String, step: Int, at time: Double) {
        checkpoints.removeAll { $0.stage == stage && $0.step == step }
        checkpoints.append(Checkpoint(stage: stage, step: step, time: time))
    }

    /// Forgets those of a stage with more steps than these: they were withdrawn, or a launch that entered the stage there
    /// found them damaged, or gone. Returns the step of the newest of them; nil if there was none.
    @discardableResult
    package mutating func discard(stage: String, after step: Int) -> Int? {
        let discarded = checkpoints.filter { $0.stage == stage && $0.step > step }
        checkpoints.removeAll(where: discarded.contains)
        return discarded.map(\.step).max()
    }

    /// The same, with times on another clock, which is ahead by so many seconds.
    package func shifted(by seconds: Double) -> PublishedCheckpoints {
        var shifted = self
        for index in checkpoints.indices { shifted.checkpoints[index].time += seconds }
        return shifted
    }
}
