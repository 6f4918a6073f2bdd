import Foundation

/// A temporary folder in which the ranks of one launch write one checkpoint.
package struct CheckpointSave: Codable, Sendable, Equatable {
    /// The number of training steps behind the state.
    package var step: Int
    /// The launch that writes.
    package var generation: Int
    /// The temporary folder.
    package var folder: String
}

extension CheckpointStore {
    private static let temporaryMark = ".gen-"

    /// Creates the temporary folder `.step-00000500.gen-3` and removes what earlier launches left behind.
    ///
    /// One rank calls this, before any rank writes. Throws `superseded` if a later launch is saving.
    package func beginSave(step: Int, generation: Int) throws(CheckpointError) -> CheckpointSave {
        precondition(step >= 0 && generation >= 0, "checkpoint: step \(step) of generation \(generation)")
        try DurableFolder.create(folder)
        try removeLeftovers(upTo: generation)
        try restoreInterruptedReplacements()
        let save = saveInProgress(step: step, generation: generation)
        try DurableFolder.create(save.folder)
        return save
    }

    /// Names the save that another rank has begun.
    package func saveInProgress(step: Int, generation: Int) -> CheckpointSave {
        let name = "." + Self.stepName(step) + Self.temporaryMark + String(generation)
        return CheckpointSave(step: step, generation: generation, folder: path(name))
    }

    private func removeLeftovers(upTo generation: Int) throws(CheckpointError) {
        for name in try DurableFolder.names(in: folder) where name.hasPrefix(".step-") {
            guard let mark = name.range(of: Self.temporaryMark), let owner = Int(name[mark.upperBound...]) else {
                continue
            }
            guard owner <= generation else { throw .superseded(path: path(name), generation: owner) }
            try DurableFolder.remove(path(name))
        }
    }

    /// Writes this rank's share of `tensors`, and reports it. The file is on the disk when this returns.
    ///
    /// All ranks pass the same names and shapes in the same order, and hold the same values: each writes the part
    /// that `shardAssignment` gives it.
    package func writeShard(
        rank: Int, of rankCount: Int, tensors: [TensorView], in save: CheckpointSave
    ) throws(CheckpointError) -> ShardRecord {
        precondition((0..<rankCount).contains(rank), "checkpoint: rank \(rank) of \(rankCount)")
        let byteCounts = tensors.map { $0.elements.count * ElementType.float32.byteCount }
        let owners = shardAssignment(byteCounts: byteCounts, rankCount: rankCount)
        let own = zip(tensors, owners).filter { $0.1 == rank }.map(\.0)
        let file = "shard-\(Self.fiveDigits(rank))-of-\(Self.fiveDigits(rankCount)).safetensors"
        let fingerprint = try SafetensorsFile.write(own, to: save.folder + "/" + file)
        let records = own.map { ($0.name, TensorRecord(file: file, type: .float32, shape: $0.shape)) }
        return ShardRecord(
            rank: rank, rankCount: rankCount, file: file, fingerprint: fingerprint,
            tensors: Dictionary(uniqueKeysWithValues: records))
    }

    private static func fiveDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Makes the checkpoint visible, then removes those that are older than the newest `keepCount`.
    ///
    /// One rank calls this, when every rank has reported. A published checkpoint of the same step is replaced.
    /// Throws `incomplete` if a shard is missing or has another length than reported; nothing is published then.
    package func publish(_ draft: CheckpointDraft) throws(CheckpointError) -> Checkpoint {
        let save = saveInProgress(step: draft.step, generation: draft.generation)
        // Asked again, because whoever published it died before it could say so.
        if !DurableFolder.exists(save.folder),
            case .success(let published) = inspect(step: draft.step, hashingContent: false),
            published.manifest.generation == draft.generation
        {
            return published
        }
        try checkComplete(draft, in: save)
        let manifest = Manifest(draft)
        let hash = try writeDurably(manifest.encoded(), to: save.folder + "/" + Self.manifestName)
        _ = try writeDurably(Array("\(hash)\n".utf8), to: save.folder + "/" + Self.commitName)
        try DurableFolder.flush(save.folder)
        try install(save)
        try removeOutdated()
        return Checkpoint(manifest: manifest, folder: path(Self.stepName(draft.step)), manifestSHA256: hash)
    }

    private func checkComplete(_ draft: CheckpointDraft, in save: CheckpointSave) throws(CheckpointError) {
        let rankCount = draft.shards.first?.rankCount ?? 0
        guard rankCount > 0, draft.shards.map(\.rank).sorted() == Array(0..<rankCount),
            draft.shards.allSatisfy({ $0.rankCount == rankCount })
        else {
            throw .incomplete(
                path: save.folder, reason: "reports of ranks \(draft.shards.map(\.rank).sorted()) of \(rankCount)")
        }
        for shard in draft.shards {
            let path = save.folder + "/" + shard.file
            let byteCount = try InputFile(path: path).byteCount
            guard byteCount == shard.fingerprint.byteCount else {
                throw .incomplete(
                    path: save.folder,
                    reason:
                        "\(shard.file) has \(byteCount) bytes, rank \(shard.rank) wrote \(shard.fingerprint.byteCount)")
            }
        }
    }

    private func install(_ save: CheckpointSave) throws(CheckpointError) {
        let published = path(Self.stepName(save.step))
        let replaced = path(Self.replacedPrefix + Self.stepName(save.step))
        let isReplacement = DurableFolder.exists(published)
        if isReplacement { try DurableFolder.rename(published, to: replaced) }
        try DurableFolder.rename(save.folder, to: published)
        if isReplacement { try DurableFolder.remove(replaced) }
    }

    /// Lengths and the manifest's hash are checked of those that stay; the content is hashed when it is loaded. The best one
    /// stays beside them.
    private func removeOutdated() throws(CheckpointError) {
        var soundCount = 0
        let best = try best()?.manifest.step
        for step in try publishedSteps() where step != best {
            if soundCount >= keepCount {
                try DurableFolder.remove(path(Self.stepName(step)))
            } else if case .success = inspect(step: step, hashingContent: false) {
                soundCount += 1
            }
        }
    }
}

extension Manifest {
    fileprivate init(_ draft: CheckpointDraft) {
        self.init(
            stage: draft.stage, step: draft.step, generation: draft.generation, metadata: draft.metadata,
            files: Dictionary(uniqueKeysWithValues: draft.shards.map { ($0.file, $0.fingerprint) }),
            tensors: draft.shards.reduce(into: [:]) { all, shard in
                all.merge(shard.tensors) { first, _ in
                    preconditionFailure("checkpoint: two ranks wrote the same tensor, one to \(first.file)")
                }
            })
    }
}
