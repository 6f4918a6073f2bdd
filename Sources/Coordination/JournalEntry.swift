/// A fact worth keeping: what the run's journal is told, in the order things happened.
package enum JournalEntry: Equatable, Sendable {
    /// A launch begins, after so many restarts without progress; the hosts are written as `a:2,b:2`, and empty on one
    /// machine.
    case generationStarted(generation: Int, ranks: Int, hosts: String = "", restartsUsed: Int = 0)
    /// It has ended, for this reason, after so many seconds without a sign of progress, having completed so many steps
    /// of its stage.
    case generationEnded(generation: Int, cause: String, silentSeconds: Double = 0, step: Int = 0)
    /// A stage begins, or goes on in a new launch.
    case stageBegun(generation: Int, StageDeclaration, totalSteps: Int)
    /// A window was granted.
    case planGranted(generation: Int, window: PlanWindow)
    /// Steps were completed: the first one's number and what each updated.
    case stepsCompleted(generation: Int, stage: String, firstStep: Int, kinds: [StepKind])
    /// Metrics arrived.
    case metrics(rows: [MetricRow])
    /// A checkpoint was published.
    case checkpointCommitted(stage: String, step: Int, path: String, manifestSHA256: String)
    /// The ratio changes.
    case ratioChanged(stage: String, segment: RatioSchedule.Segment)
    /// Anything else a person may ask about later.
    case event(generation: Int, kind: String, detail: [String: String])
}
