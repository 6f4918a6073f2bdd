/// A fact worth keeping: what the run's journal is told, in the order things happened.
package enum JournalEntry: Equatable, Sendable {
    /// A launch begins.
    case generationStarted(generation: Int, ranks: Int)
    /// It has ended, for this reason.
    case generationEnded(generation: Int, cause: String)
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
