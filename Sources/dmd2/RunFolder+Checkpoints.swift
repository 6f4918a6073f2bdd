import Checkpoints
import Coordination
import Foundation
import Training

extension RunFolder {
    /// Every published checkpoint, in the order of the run's stages and steps, judged: by hashes if asked, else by the
    /// lengths of the files.
    ///
    /// Throws: a `CommandFailure` if there is none.
    func checkpoints(hashingContent: Bool) throws -> [CheckpointLine] {
        let stages = (try? FileManager.default.contentsOfDirectory(atPath: layout.checkpoints)) ?? []
        let checkpoints = try StagePlan.Stage.inOrder(stages).flatMap { stage in
            let store = layout.checkpoints(of: stage)
            let best = try store.best()?.manifest.step
            return try store.inspectAll(hashingContent: hashingContent).reversed()
                .map { CheckpointLine(stage: stage, $0, best: best, hashed: hashingContent) }
        }
        guard !checkpoints.isEmpty else { throw CommandFailure(.inputMissing, "\(path): holds no checkpoint") }
        return checkpoints
    }

    /// The checkpoint that holds a network: the newest that verifies, or the one of a step.
    ///
    /// Throws: a `CommandFailure` if there is none, or it is damaged.
    func checkpoint(of role: ExportedRole, step: Int?, _ configuration: RunConfiguration) throws -> Checkpoint {
        if role == .teacher, configuration.teacher.isGiven {
            throw CommandFailure(
                .inputMissing, "\(path): its teacher was not trained there; it is \(configuration.teacher.weights)")
        }
        let store = layout.checkpoints(of: role.stage)
        guard try !store.publishedSteps().isEmpty else {
            throw CommandFailure(.inputMissing, "\(path): no checkpoint of \(role.stage) is there yet")
        }
        guard let step else {
            if let found = try store.newestVerified(settingAside: false).found { return found }
            throw CommandFailure(
                .badData, "\(path): no checkpoint of \(role.stage) verifies; dmd2 checkpoint verify says why")
        }
        switch try store.judge(namedStep: step) {
        case .sound(let checkpoint): return checkpoint
        case .rejected(let rejected): throw CommandFailure(.badData, rejected.description)
        }
    }
}
