import Foundation

/// The table of contents of one checkpoint: every file with its hash, every tensor with its place.
///
/// Nothing in it depends on the number of ranks that wrote it, and reading it does not either.
package struct Manifest: Codable, Sendable, Equatable {
    /// The layout of the folder that this version writes and reads.
    package static let currentFormatVersion = 1

    /// The layout of the folder.
    package var formatVersion = currentFormatVersion
    /// The stage of the run whose state this is, such as `distil`.
    package var stage: String
    /// The number of training steps behind this state.
    package var step: Int
    /// The launch of the run that wrote it.
    package var generation: Int
    /// What else the writer recorded, such as the hash of the configuration and the updates of each network.
    package var metadata: [String: String]
    /// The files with their lengths and hashes, by name.
    package var files: [String: FileFingerprint]
    /// The tensors, by name.
    package var tensors: [String: TensorRecord]
    /// True if the files are not beside the manifest but on the disks of the machines whose ranks wrote them; nil: no.
    package var isOnNodes: Bool?
}

/// Where a checkpoint keeps a tensor.
package struct TensorRecord: Codable, Sendable, Equatable {
    /// The name of the file within the checkpoint's folder.
    package var file: String
    /// The type of the elements.
    package var type: ElementType
    /// The extents, slowest index first.
    package var shape: [Int]

    private enum CodingKeys: String, CodingKey {
        case file
        case type = "dtype"
        case shape
    }
}

/// What one rank reports of the file it wrote.
package struct ShardRecord: Codable, Sendable, Equatable {
    /// The rank that wrote the file.
    package var rank: Int
    /// The number of ranks that share the checkpoint.
    package var rankCount: Int
    /// The name of the file within the checkpoint's folder.
    package var file: String
    /// The length and hash of the file.
    package var fingerprint: FileFingerprint
    /// The tensors in the file, by name.
    package var tensors: [String: TensorRecord]

    /// Makes a record from its parts.
    package init(
        rank: Int, rankCount: Int, file: String, fingerprint: FileFingerprint, tensors: [String: TensorRecord]
    ) {
        (self.rank, self.rankCount, self.file) = (rank, rankCount, file)
        (self.fingerprint, self.tensors) = (fingerprint, tensors)
    }
}

/// Everything that is needed to publish a checkpoint whose files have been written.
package struct CheckpointDraft: Sendable, Equatable {
    /// The stage of the run, such as `distil`.
    package var stage: String
    /// The number of training steps behind this state.
    package var step: Int
    /// The launch of the run, at least 1.
    package var generation: Int
    /// The reports of all ranks, in any order.
    package var shards: [ShardRecord]
    /// What else a reader should know, such as the hash of the configuration and the updates of each network.
    package var metadata: [String: String]
    /// True if the files stay on the machines whose ranks wrote them.
    package var isOnNodes: Bool

    /// Makes a draft from its parts.
    package init(
        stage: String, step: Int, generation: Int, shards: [ShardRecord], metadata: [String: String],
        isOnNodes: Bool = false
    ) {
        self.stage = stage
        self.step = step
        self.generation = generation
        self.shards = shards
        self.metadata = metadata
        self.isOnNodes = isOnNodes
    }
}

extension Manifest {
    func encoded() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            preconditionFailure("manifest: strings and integers that JSON cannot hold: \(error)")
        }
    }

    /// Returns nil if `bytes` are not a manifest.
    static func decoded(_ bytes: [UInt8]) -> Manifest? {
        do {
            return try JSONDecoder().decode(Manifest.self, from: Data(bytes))
        } catch {
            return nil
        }
    }
}
