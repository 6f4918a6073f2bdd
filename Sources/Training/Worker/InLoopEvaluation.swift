/// When the student is measured on the way.
///
/// Formula: at a checkpoint with u updates of the student, after one with p, if u / every > p / every in whole numbers;
/// and at the last checkpoint. So a run that resumes measures at the same checkpoints as one that did not stop.
package struct InLoopEvaluation {
    private let every: Int
    private var checkpointUpdates: Int

    /// `updates` are the student's at the checkpoint that training goes on from.
    package init(every: Int, goingOnFrom updates: Int) { (self.every, checkpointUpdates) = (every, updates) }

    /// Whether the checkpoint with this many updates of the student is one to measure at; called once for each.
    package mutating func isDue(atCheckpointWith updates: Int, isLast: Bool) -> Bool {
        defer { checkpointUpdates = updates }
        return every > 0 && (isLast || updates / every > checkpointUpdates / every)
    }
}
