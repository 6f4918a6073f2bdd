import Checkpoints
import Foundation

/// A published checkpoint as `dmd2 checkpoint` shows it.
struct CheckpointLine: Encodable {
    let stage: String
    let step: Int
    let folder: String
    /// False where something is wrong with it, as far as it was looked at.
    let sound: Bool
    /// True if every file was read and its hash compared, not only its length.
    let hashed: Bool
    /// The launch that wrote it, and the length of its files; unknown of a damaged one.
    var generation: Int?
    var bytes: Int?
    /// What is wrong with a damaged one.
    var problem: String?

    init(stage: String, _ inspection: CheckpointInspection, hashed: Bool) {
        self.stage = stage
        self.hashed = hashed
        switch inspection {
        case .sound(let checkpoint):
            sound = true
            step = checkpoint.manifest.step
            folder = checkpoint.folder
            generation = checkpoint.manifest.generation
            bytes = checkpoint.manifest.files.values.map(\.byteCount).reduce(0, +)
        case .rejected(let rejected):
            sound = false
            step = rejected.step
            folder = rejected.folder
            problem = rejected.detail
        }
    }

    /// The line for a person.
    var text: String {
        let size = bytes.map { String(format: ", %.1f MB", Double($0) / 1e6) } ?? ""
        let verdict = hashed ? "verified" : "published"
        return "\(stage) step \(step): \(problem.map { "DAMAGED: \($0)" } ?? verdict + size), \(folder)"
    }
}
