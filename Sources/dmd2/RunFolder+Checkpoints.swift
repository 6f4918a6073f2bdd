import Checkpoints
import Foundation

extension RunFolder {
    /// Every published checkpoint of every stage, judged: by hashes if asked, else by the lengths of the files.
    func checkpoints(hashingContent: Bool) throws -> [CheckpointLine] {
        let folder = file("checkpoints")
        let stages = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return try stages.sorted().flatMap { stage in
            try CheckpointStore(folder: "\(folder)/\(stage)").inspectAll(hashingContent: hashingContent)
                .map { CheckpointLine(stage: stage, $0) }
        }
    }
}
