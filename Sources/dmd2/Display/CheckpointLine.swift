import Checkpoints
import Evaluation
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
    /// True if its files are on the machines of the ranks.
    let onNodes: Bool
    /// The launch that wrote it, and the length of its files; unknown of a damaged one.
    var generation: Int?
    var bytes: Int?
    /// The Fréchet distance measured of it on the way, and true for the stage's lowest, which is kept.
    var frechetDistance: Double?
    let best: Bool
    /// What is wrong with a damaged one.
    var problem: String?

    private enum CodingKeys: String, CodingKey {
        case stage, step, folder, sound, hashed, generation, bytes, best, problem
        case frechetDistance = "frechet_distance"
        case onNodes = "on_nodes"
    }

    /// `best` is the step of the stage's best checkpoint.
    init(stage: String, _ inspection: CheckpointInspection, best: Int?, hashed: Bool) {
        self.stage = stage
        self.hashed = hashed
        switch inspection {
        case .sound(let checkpoint):
            sound = true
            step = checkpoint.manifest.step
            folder = checkpoint.folder
            generation = checkpoint.manifest.generation
            onNodes = checkpoint.manifest.isOnNodes == true
            frechetDistance = checkpoint.distance
            self.best = step == best
            bytes = checkpoint.manifest.files.values.map(\.byteCount).reduce(0, +)
        case .rejected(let rejected):
            sound = false
            step = rejected.step
            folder = rejected.folder
            problem = rejected.detail
            onNodes = false
            self.best = false
        }
    }

    /// The line for a person.
    var text: String {
        let size = bytes.map { String(format: ", %.1f MB", Double($0) / 1e6) } ?? ""
        let verdict = onNodes ? "on the machines" : hashed ? "verified" : "published"
        let distance = frechetDistance.map { ", distance \(NumberText.figure($0))\(best ? " (best)" : "")" } ?? ""
        return "\(stage) step \(step): \(problem.map { "DAMAGED: \($0)" } ?? verdict + size + distance), \(folder)"
    }
}
