import Checkpoints
import Communication
import Coordination
import Foundation
import Logging
import Tensors

extension Worker {
    /// Where a stage goes on.
    struct StartingPoint {
        var step: Int
        var isComplete: Bool
    }

    private static let completeKey = "complete"

    /// Loads the newest checkpoint that verifies; all ranks the same one.
    ///
    /// Throws: if ranks disagree about what is on the disk, or the checkpoint does not fit the networks.
    func restore(_ stage: some TrainingStage, _ state: StageState) throws -> StartingPoint {
        control.report(
            ProgressReport(stage: stage.name, step: 0, totalSteps: stage.plannedSteps, phase: .starting))
        let store = folder.checkpoints(of: stage.name)
        // Rank 0 sets damaged ones aside first, then the others look: they must find what it found.
        var found: Checkpoint?
        if communicator.rank == 0 {
            let search = try store.newestVerified(settingAside: true)
            for rejected in search.rejected { try control.notice("\(rejected)") }
            for folder in search.removed { try control.notice("removed \(folder): newer damaged ones are kept") }
            found = search.found
        }
        let choice = try communicator.broadcast(message: Array(identity(of: found).utf8), from: 0)
        if communicator.rank > 0 {
            found = try store.newestVerified(settingAside: false).found
            let own = identity(of: found)
            guard Array(own.utf8) == choice else {
                throw WorkerError.ranksDisagree(
                    stage: stage.name, rank: communicator.rank, own: own,
                    rankZero: String(decoding: choice, as: UTF8.self))
            }
        }
        guard let found else { return StartingPoint(step: 0, isComplete: false) }
        try state.load(found)
        if communicator.rank == 0 { logger.info("\(stage.name): going on from step \(found.manifest.step)") }
        return StartingPoint(
            step: found.manifest.step, isComplete: found.manifest.metadata[Self.completeKey] == "true")
    }

    private func identity(of checkpoint: Checkpoint?) -> String {
        guard let checkpoint else { return "no checkpoint" }
        return "step \(checkpoint.manifest.step) of generation \(checkpoint.manifest.generation)"
    }

    /// Saves the stage's state, with the figures measured of it: every rank writes a part, the control link publishes the
    /// whole.
    ///
    /// A checkpoint that cannot be published is announced and given up; training goes on.
    func save(
        _ stage: some TrainingStage, _ state: StageState, step: Int, isComplete: Bool,
        figures: [(name: String, value: Double)]
    ) throws {
        // Names, headers and messages of hundreds of tensors are gone when this returns; so should their memory be.
        defer { SystemHeap.trim() }
        control.report(
            ProgressReport(stage: stage.name, step: step, totalSteps: stage.plannedSteps, phase: .saving))
        let store = folder.checkpoints(of: stage.name)
        if communicator.rank == 0 { _ = try store.beginSave(step: step, generation: control.generation) }
        try communicator.barrier()
        let record = try store.writeShard(
            rank: communicator.rank, of: communicator.size, tensors: state.tensors,
            in: store.saveInProgress(step: step, generation: control.generation))
        let records = try communicator.gather(Array(JSONEncoder().encode(record)))
        guard communicator.rank == 0 else { return }
        var metadata = state.metadata
        metadata[Self.completeKey] = isComplete ? "true" : "false"
        for (name, value) in figures { metadata[name] = String(value) }
        metadata["seed"] = String(configuration.run.seed)
        metadata["configuration.sha256"] = Array(configuration.canonicalText.utf8)
            .withUnsafeBytes { SHA256Hasher.hash(of: $0) }
        let draft = CheckpointDraft(
            stage: stage.name, step: step, generation: control.generation,
            shards: try records.map { try JSONDecoder().decode(ShardRecord.self, from: Data($0)) }, metadata: metadata)
        do {
            try control.checkpointPrepared(draft)
        } catch {
            guard case .checkpointFailed = error, !isComplete else { throw error }
            try control.notice("\(error); training goes on")
        }
        try drawSamples(of: stage, step: step)
    }
}

/// Why a worker cannot go on.
package enum WorkerError: Error, Sendable, CustomStringConvertible {
    /// Ranks see different checkpoints: the run folder is not shared between the hosts.
    case ranksDisagree(stage: String, rank: Int, own: String, rankZero: String)

    package var description: String {
        switch self {
        case .ranksDisagree(let stage, let rank, let own, let rankZero):
            "\(stage): rank \(rank) finds \(own), rank 0 \(rankZero): put run.folder on a file system all hosts share"
        }
    }
}
