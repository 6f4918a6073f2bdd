package import Checkpoints
package import Coordination

/// The way back after a collapse: which checkpoints were set aside, and which one is the newest now.
package struct Withdrawal: Sendable {
    /// The stage.
    package let stage: String
    /// The steps of the checkpoints set aside, newest first.
    package let withdrawnSteps: [Int]
    /// The newest checkpoint that stays; nil if the stage has none.
    package let remainingStep: Int?

    /// One line each for a person.
    package var lines: [String] {
        withdrawnSteps.map { "checkpoint \(stage) step \($0) is set aside: training had gone wrong before it" }
            + ["rolled back to \(remainingStep.map { "\(stage) step \($0)" } ?? "the beginning of \(stage)")"]
    }

    /// What the journal keeps.
    package func entries(generation: Int) -> [JournalEntry] {
        [
            .event(
                generation: generation, kind: "rolled_back",
                detail: [
                    "stage": stage, "to_step": "\(remainingStep ?? 0)",
                    "withdrawn": withdrawnSteps.map { "\($0)" }.joined(separator: " "),
                ])
        ]
    }
}

extension RunFolderLayout {
    /// Sets the checkpoints of a stage aside that have more steps than these.
    package func withdraw(stage: String, after step: Int) throws(CheckpointError) -> Withdrawal {
        let store = checkpoints(of: stage)
        _ = try nodeCheckpoints(of: stage).withdraw(after: step)
        let withdrawn = try store.withdraw(after: step)
        return Withdrawal(stage: stage, withdrawnSteps: withdrawn, remainingStep: try store.publishedSteps().first)
    }
}
