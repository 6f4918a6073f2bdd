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
        self.init(
            stage: draft.stage, step: draft.step, isOnNodes: draft.isOnNodes,
            content: String(decoding: content, as: UTF8.self))
    }

    /// The draft again, of a launch. Throws if the content is not one.
    package func draft(generation: Int) throws -> CheckpointDraft {
        let content = try JSONDecoder().decode(Content.self, from: Data(content.utf8))
        return CheckpointDraft(
            stage: stage, step: step, generation: generation, shards: content.shards, metadata: content.metadata,
            isOnNodes: isOnNodes)
    }
}
