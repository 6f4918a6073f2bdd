import Checkpoints
import Coordination
import Foundation
import Training

extension RunFolder {
    /// Every published checkpoint of every stage, judged: by hashes if asked, else by the lengths of the files.
    ///
    /// Throws: a `CommandFailure` if there is none.
    func checkpoints(hashingContent: Bool) throws -> [CheckpointLine] {
        let stages = (try? FileManager.default.contentsOfDirectory(atPath: layout.checkpoints)) ?? []
        let checkpoints = try stages.sorted().flatMap { stage in
            try layout.checkpoints(of: stage).inspectAll(hashingContent: hashingContent)
                .map { CheckpointLine(stage: stage, $0, hashed: hashingContent) }
        }
        guard !checkpoints.isEmpty else { throw CommandFailure(.inputMissing, "\(path): holds no checkpoint") }
        return checkpoints
    }
}
