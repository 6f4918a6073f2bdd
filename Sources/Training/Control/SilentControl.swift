package import Checkpoints
package import Coordination

/// The line of ranks other than 0 in a run without a coordinator: there is nobody to tell.
package final class SilentControl: ControlLink {
    package let generation: Int

    /// A line to nobody. Rank 0 broadcasts the number of the launch.
    package init(generation: Int) {
        self.generation = generation
    }

    package func beginStage(_ stage: StageDeclaration) throws(ControlError) { throw notRankZero }
    package func window(stage: String, from step: Int) throws(ControlError) -> PlanWindow { throw notRankZero }
    package func report(_ report: ProgressReport) {}
    package func beginPublishing(_ draft: CheckpointDraft) throws(ControlError) { throw notRankZero }
    package func hasPublished() throws(ControlError) -> Bool { throw notRankZero }
    package func awaitPublication() throws(ControlError) { throw notRankZero }
    package func checkpointDropped(_ stage: String, step: Int, reason: String) throws(ControlError) {
        throw notRankZero
    }
    package func notice(_ text: String) throws(ControlError) { throw notRankZero }
    package func stageFinished(_ stage: String, step: Int) throws(ControlError) { throw notRankZero }
    package func finished() throws(ControlError) { throw notRankZero }
    package func failed(_ status: ExitStatus, reason: String) {}

    private var notRankZero: ControlError { .refused(reason: "only rank 0 may ask this") }
}
