package import Checkpoints
package import Coordination
import Foundation

extension PreparedCheckpoint {
    /// What the manifest needs besides stage, step and generation.
    private struct Content: Codable {
        var shards: [ShardRecord]
        var metadata: [String: String]
    }

    /// A draft in the form in which it travels to the coordinator.
    package init(_ draft: CheckpointDraft) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let content: Data
        do {
            content = try encoder.encode(Content(shards: draft.shards, metadata: draft.metadata))
        } catch {
            preconditionFailure("checkpoint draft: strings and integers that JSON cannot hold: \(error)")
        }
        self.init(stage: draft.stage, step: draft.step, content: String(decoding: content, as: UTF8.self))
    }

    /// The draft again, of a launch. Throws if the content is not one.
    package func draft(generation: Int) throws -> CheckpointDraft {
        let content = try JSONDecoder().decode(Content.self, from: Data(content.utf8))
        return CheckpointDraft(
            stage: stage, step: step, generation: generation, shards: content.shards, metadata: content.metadata)
    }
}

/// Publishes the checkpoints of a run and says where they are.
package struct CheckpointPublisher: Sendable {
    /// A checkpoint that now exists.
    package struct Publication: Sendable, Equatable {
        /// Its folder.
        package var path: String
        /// SHA-256 of its manifest, hexadecimal.
        package var manifestSHA256: String
    }

    private let runFolder: String

    /// A publisher for the run in this folder.
    package init(runFolder: String) {
        self.runFolder = runFolder
    }

    /// The store of a stage's checkpoints.
    package func store(stage: String) -> CheckpointStore {
        CheckpointStore(folder: "\(runFolder)/checkpoints/\(stage)")
    }

    /// Publishes a checkpoint. Blocks until it is on disk.
    package func publish(_ draft: CheckpointDraft) throws -> Publication {
        let store = store(stage: draft.stage)
        _ = try store.publish(draft)
        let digits = String(draft.step)
        let path = "\(store.folder)/step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
        let mark = try String(contentsOfFile: "\(path)/COMMITTED", encoding: .utf8)
        return Publication(path: path, manifestSHA256: mark.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
