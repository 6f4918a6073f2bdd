// What becomes of checkpoints.

extension Coordinator {
    /// A checkpoint is there: whoever restarts may take it, and the launch has made progress.
    mutating func published(
        _ checkpoint: PreparedCheckpoint, in publishedIn: Int, path: String, sha256: String, at now: Double
    ) -> [Effect] {
        checkpoints.published(stage: checkpoint.stage, step: checkpoint.step, at: now)
        checkpointProblem = nil
        var effects: [Effect] = [
            .record(
                .checkpointCommitted(
                    stage: checkpoint.stage, step: checkpoint.step, path: path, manifestSHA256: sha256)),
            note(
                "checkpoint_committed",
                [
                    "stage": checkpoint.stage, "step": "\(checkpoint.step)",
                    "place": checkpoint.isOnNodes ? "nodes" : "run folder",
                ]),
            .log("checkpoint \(checkpoint.stage) step \(checkpoint.step) published"),
            .removeOutdated(checkpoint, generation: publishedIn),
        ]
        if publishedIn == generation {
            publishing = nil
            published = checkpoint
            effects.append(.tellRankZero(.checkpointCommitted(stage: checkpoint.stage, step: checkpoint.step)))
        }
        hosts.succeeded(placement)
        // It was on its way to the disk when the collapse was noticed.
        if let collapse = stages.collapse, collapse.stage == checkpoint.stage,
            checkpoint.step > collapse.lastSoundStep
        {
            return effects + [withdraw(collapse)]
        }
        return effects + supervise(.progressed, at: now)
    }

    /// Takes back what was published since things went wrong.
    mutating func withdraw(_ collapse: Collapse) -> Effect {
        checkpoints.discard(stage: collapse.stage, after: collapse.lastSoundStep)
        return .withdraw(stage: collapse.stage, after: collapse.lastSoundStep)
    }

    /// A checkpoint will not be there; training goes on.
    mutating func publishFailed(
        _ checkpoint: PreparedCheckpoint, _ failed: Int, reason: String
    ) -> [Effect] {
        let effects = checkpointFailed(stage: checkpoint.stage, step: checkpoint.step, reason: reason)
        guard failed == generation else { return effects }
        publishing = nil
        let answer = CoordinatorMessage.checkpointFailed(
            stage: checkpoint.stage, step: checkpoint.step, reason: reason)
        return effects + [.tellRankZero(answer)]
    }
}

extension Coordinator {
    /// What a status says of a checkpoint that will not be there.
    package static func checkpointProblem(stage: String, step: Int, reason: String) -> String {
        "\(stage) step \(step) was not saved: \(reason)"
    }

    /// Status tells it until one is published again. Nothing follows from hearing the same twice.
    mutating func checkpointFailed(stage: String, step: Int, reason: String) -> [Effect] {
        let problem = Self.checkpointProblem(stage: stage, step: step, reason: reason)
        guard checkpointProblem != problem else { return [] }
        checkpointProblem = problem
        return [
            note("checkpoint_failed", ["stage": stage, "step": "\(step)", "reason": reason]),
            .log("checkpoint \(stage) step \(step) failed: \(reason)"),
        ]
    }
}
