import Checkpoints
import Communication
import Coordination
import Foundation
import Logging

extension Worker {
    /// Where a stage goes on.
    struct StartingPoint {
        var step: Int
        var isComplete: Bool
    }

    static let completeKey = "complete"
    /// For so long a rank looks for the checkpoint that rank 0 has found, seconds.
    static let agreementSeconds = 60.0

    /// Loads the newest checkpoint that verifies; all ranks the same one, each having read and hashed a part of its files.
    /// One whose files are on the machines is taken if it is newer than those in the run folder.
    ///
    /// `bindings` are what the state belongs to: a checkpoint that says something else of one of them is refused.
    /// Throws: if ranks disagree about what is on the disk, or the checkpoint does not fit the networks.
    func restore(
        _ stage: some TrainingStage, _ state: StageState, _ nodes: NodePlace?, bindings: [String: String]
    ) throws -> StartingPoint {
        control.report(
            ProgressReport(stage: stage.name, step: 0, totalSteps: stage.plannedSteps, phase: .starting))
        let store = folder.checkpoints(of: stage.name)
        var limit: Int?
        var shared: Checkpoint?
        while let candidate = try agreedCandidate(stage.name, store, below: limit) {
            guard let defect = try agreedDefect(of: candidate, store) else {
                shared = candidate
                break
            }
            // What is damaged has been set aside; what only cannot be read is still there.
            limit = defect.step
        }
        let sharedStep = shared?.manifest.step ?? 0
        if let nodes, let (found, readers) = try completeOnNodes(stage.name, nodes, after: sharedStep) {
            try check(found, bindings)
            try state.load(found, from: nodes.shards, readers: readers, communicator)
            return startingPoint(stage.name, found)
        }
        guard let shared else { return StartingPoint(step: 0, isComplete: false) }
        try check(shared, bindings)
        try state.load(shared)
        return startingPoint(stage.name, shared)
    }

    private func check(_ candidate: Checkpoint, _ bindings: [String: String]) throws(CheckpointError) {
        for (key, value) in bindings {
            guard let stored = candidate.manifest.metadata[key], stored != value else { continue }
            throw .mismatch(path: candidate.folder, reason: "its \(key) is \(stored), and here it is \(value)")
        }
    }

    private func startingPoint(_ stage: String, _ checkpoint: Checkpoint) -> StartingPoint {
        let manifest = checkpoint.manifest
        if communicator.rank == 0 {
            let place = manifest.isOnNodes == true ? ", kept on the machines" : ""
            logger.info("\(stage): going on from step \(manifest.step)\(place)")
        }
        return StartingPoint(step: manifest.step, isComplete: manifest.metadata[Self.completeKey] == "true")
    }

    /// The newest checkpoint that is committed and has files of the right lengths, as rank 0 finds it; the other ranks
    /// must see the same manifest, to the hash.
    func agreedCandidate(_ stage: String, _ store: CheckpointStore, below limit: Int?) throws -> Checkpoint? {
        var found: Checkpoint?
        // Rank 0 sets damaged ones aside first, then the others look.
        if communicator.rank == 0 {
            let search = try store.newestCommitted(below: limit, settingAside: true)
            for rejected in search.rejected { try control.notice("\(rejected)") }
            for folder in search.removed { try control.notice("removed \(folder): newer damaged ones are kept") }
            found = search.found
        }
        let choice = String(
            decoding: try communicator.broadcast(message: Array(identity(of: found).utf8), from: 0), as: UTF8.self)
        if communicator.rank > 0 {
            // A file server may show another machine a change only after a while; NFS takes up to a minute.
            let deadline = monotonicSeconds() + Self.agreementSeconds
            while true {
                found = try store.newestCommitted(below: limit, settingAside: false).found
                if identity(of: found) == choice || monotonicSeconds() >= deadline { break }
                Thread.sleep(forTimeInterval: 1)
            }
            guard identity(of: found) == choice else {
                throw WorkerError.ranksDisagree(
                    stage: stage, rank: communicator.rank, own: identity(of: found), rankZero: choice)
            }
        }
        return found
    }

    /// Hashes this rank's part of the files; what any rank found wrong, on all ranks.
    private func agreedDefect(of candidate: Checkpoint, _ store: CheckpointStore) throws -> RejectedCheckpoint? {
        let own = store.firstDefect(of: candidate, part: communicator.rank, of: communicator.size)
        let gathered = try communicator.gather(Array(JSONEncoder().encode(own)))
        var verdict: RejectedCheckpoint?
        if communicator.rank == 0 {
            for bytes in gathered where verdict == nil {
                verdict = try JSONDecoder().decode(RejectedCheckpoint?.self, from: Data(bytes))
            }
            if let defect = verdict {
                let rejected = try store.setAside(defect)
                try control.notice("\(rejected)")
                verdict = rejected
            }
        }
        let message = try communicator.broadcast(message: Array(JSONEncoder().encode(verdict)), from: 0)
        return try JSONDecoder().decode(RejectedCheckpoint?.self, from: Data(message))
    }

    private func identity(of checkpoint: Checkpoint?) -> String {
        guard let checkpoint else { return "no checkpoint" }
        return "step \(checkpoint.manifest.step) with manifest \(checkpoint.manifestSHA256)"
    }

    /// What saves the state of a stage.
    func makeSaver(_ stage: some TrainingStage) -> CheckpointSaver {
        CheckpointSaver(stage: stage.name, communicator: communicator, control: control) { [control] step, metrics in
            control.report(
                ProgressReport(
                    stage: stage.name, step: step, totalSteps: stage.plannedSteps, phase: .saving, metrics: metrics))
        }
    }

    /// What the manifest says of a state beside its tensors: the updates done, what it belongs to, and the figures measured
    /// of it.
    func metadata(
        _ state: StageState, bindings: [String: String], figures: [(name: String, value: Double)], isComplete: Bool
    ) -> [String: String] {
        var metadata = state.metadata.merging(bindings) { _, binding in binding }
        metadata[Self.completeKey] = isComplete ? "true" : "false"
        for (name, value) in figures { metadata[name] = String(value) }
        metadata["seed"] = String(configuration.run.seed)
        metadata["configuration.sha256"] = Array(configuration.canonicalText.utf8)
            .withUnsafeBytes { SHA256Hasher.hash(of: $0) }
        return metadata
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
