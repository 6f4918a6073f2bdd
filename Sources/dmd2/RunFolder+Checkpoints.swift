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
}
