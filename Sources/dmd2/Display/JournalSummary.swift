import Foundation
import Journal

/// What the journal knows of a run that has no coordinator.
struct JournalSummary: Encodable {
    /// Completed steps of a stage.
    struct Stage: Encodable {
        let stage: String
        let step: Int
    }

    /// Always false: told apart from a live status by this key.
    let live = false
    let folder: String
    /// Number of the last launch; 0 if there was none.
    let generation: Int
    /// When the last launch began and ended, ISO 8601 in UTC; the end is missing if the coordinator died.
    let startedUTC: String?
    let endedUTC: String?
    /// Why the last launch ended.
    let cause: String?
    let stages: [Stage]
    let checkpoint: Stage?

    init(folder: RunFolder) throws {
        let journal = try folder.journal()
        let launch = try journal.generations().last
        self.folder = folder.path
        generation = launch?.generation ?? 0
        startedUTC = launch?.startedUTC
        endedUTC = launch?.endedUTC
        cause = launch?.cause
        var names: [String] = []
        for plan in try journal.plans() where !names.contains(plan.stage) { names.append(plan.stage) }
        stages = try names.map { Stage(stage: $0, step: try journal.completedSteps(stage: $0)) }
        checkpoint = try journal.checkpoints().last.map { Stage(stage: $0.stage, step: $0.step) }
    }

    /// The summary for a person.
    var text: String {
        var launch = "none"
        if let startedUTC {
            let end = endedUTC.map { "ended \($0)" } ?? "its end was not recorded"
            launch = "\(generation), started \(startedUTC), \(end)" + (cause.map { ": \($0)" } ?? "")
        }
        return Rows.text([
            ("run", "\(folder), not running"),
            ("launch", launch),
            ("steps", stages.isEmpty ? "none" : stages.map { "\($0.stage) \($0.step)" }.joined(separator: ", ")),
            ("checkpoint", checkpoint.map { "\($0.stage) step \($0.step)" } ?? "none"),
        ])
    }
}
