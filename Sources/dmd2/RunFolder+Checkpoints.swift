import Checkpoints
import Coordination
import Foundation
import Training

extension RunFolder {
    /// Every published checkpoint, in the order of the run's stages and steps, judged: by hashes if asked, else by the
    /// lengths of the files.
    func checkpoints(hashingContent: Bool) throws -> [CheckpointLine] {
        let stages = (try? FileManager.default.contentsOfDirectory(atPath: layout.checkpoints)) ?? []
        return try StagePlan.Stage.inOrder(stages).flatMap { stage in
            let store = layout.checkpoints(of: stage)
            let best = try store.best()?.manifest.step
            return try store.inspectAll(hashingContent: hashingContent).reversed()
                .map { CheckpointLine(stage: stage, $0, best: best, hashed: hashingContent) }
        }
    }

    /// Why a command fails that needs a checkpoint.
    var noCheckpoint: CommandFailure { CommandFailure(.inputMissing, "\(path): holds no checkpoint") }

    /// Throws `noCheckpoint` unless a run has begun here, which may not have saved anything yet.
    func checkHoldsRun() throws(CommandFailure) {
        guard FileManager.default.fileExists(atPath: layout.configuration) else { throw noCheckpoint }
    }

    /// The checkpoints whose files are on the machines of the ranks, as their manifests in the run folder say, in the same
    /// order: of stages that have not ended. Only the ranks can say whether the files are sound.
    func nodeCheckpoints() throws -> [CheckpointLine] {
        let stages = (try? FileManager.default.contentsOfDirectory(atPath: layout.nodeCheckpoints)) ?? []
        return try StagePlan.Stage.inOrder(stages).flatMap { stage in
            try layout.nodeCheckpoints(of: stage).inspectAll(hashingContent: false).reversed()
                .map { CheckpointLine(stage: stage, $0, best: nil, hashed: false) }
        }
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
            let elsewhere = try layout.nodeCheckpoints(of: role.stage).publishedSteps()
            let hint =
                elsewhere.isEmpty
                ? ""
                : "; those on the machines of the ranks only ranks read: dmd2 checkpoint now saves one in the run folder"
            throw CommandFailure(.inputMissing, "\(path): no checkpoint of \(role.stage) is there yet\(hint)")
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
