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
    /// One rank calls this, before any rank writes. Throws `superseded` if a later launch is saving, `noSpace` if the
    /// state's `byteCount` bytes would not leave enough free.
    package func beginSave(step: Int, generation: Int, byteCount: Int = 0) throws(CheckpointError) -> CheckpointSave {
        precondition(step >= 0 && generation >= 0, "checkpoint: step \(step) of generation \(generation)")
        try reach(.begin, step: step, generation: generation)
        try DurableFolder.create(folder)
        try removeLeftovers(upTo: generation)
        try restoreInterruptedReplacements()
        try FreeSpace.check(for: byteCount, at: folder)
        let save = saveInProgress(step: step, generation: generation)
        try DurableFolder.create(save.folder)
        try reach(.folder, step: step, generation: generation)
        return save
    }

    /// Names the save that a draft is of.
    package func saveInProgress(of draft: CheckpointDraft) -> CheckpointSave {
        saveInProgress(step: draft.step, generation: draft.generation)
    }

    /// Gives up a save: what it has written goes, and the space with it.
    package func abandon(_ save: CheckpointSave) throws(CheckpointError) {
        try DurableFolder.remove(save.folder)
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
        try writeShard(rank: rank, of: rankCount, share: Self.share(of: tensors, rank, of: rankCount), in: save).record
    }

    /// The tensors that a rank writes, of those that all ranks hold.
    package static func share(of tensors: [TensorView], _ rank: Int, of rankCount: Int) -> [TensorView] {
        precondition((0..<rankCount).contains(rank), "checkpoint: rank \(rank) of \(rankCount)")
        let byteCounts = tensors.map { $0.elements.count * ElementType.float32.byteCount }
        let owners = shardAssignment(byteCounts: byteCounts, rankCount: rankCount)
        return zip(tensors, owners).filter { $0.1 == rank }.map(\.0)
    }

    /// Writes the share of a rank, and reports it and what it took. The file is on the disk when this returns.
    package func writeShard(
        rank: Int, of rankCount: Int, share own: [TensorView], in save: CheckpointSave
    ) throws(CheckpointError) -> (record: ShardRecord, seconds: WritingSeconds) {
        let file = "shard-\(Self.fiveDigits(rank))-of-\(Self.fiveDigits(rankCount)).safetensors"
        let (fingerprint, seconds) = try SafetensorsFile.write(own, to: save.folder + "/" + file) {
            progress throws(CheckpointError) in
            let place: Failpoint.Place = progress == .halfWritten ? .shard : .shardFlush
            try reach(place, step: save.step, generation: save.generation)
        }
        let records = own.map { ($0.name, TensorRecord(file: file, type: .float32, shape: $0.shape)) }
        let record = ShardRecord(
            rank: rank, rankCount: rankCount, file: file, fingerprint: fingerprint,
            tensors: Dictionary(uniqueKeysWithValues: records))
        return (record, seconds)
    }

    private static func fiveDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Makes the checkpoint visible.
    ///
    /// One rank calls this, when every rank has reported. A published checkpoint of the same step is replaced.
    /// Throws `incomplete` if a shard is missing or has another length than reported; files that stay on other machines
    /// count as reported. If it throws, what was published before is as it was; the temporary folder can be abandoned.
    package func publish(_ draft: CheckpointDraft) throws(CheckpointError) -> Checkpoint {
        let save = saveInProgress(of: draft)
        func reach(_ place: Failpoint.Place) throws(CheckpointError) {
            try self.reach(place, step: draft.step, generation: draft.generation)
        }
        // Asked again, because whoever published it died before it could say so.
        if !DurableFolder.exists(save.folder),
            case .success(let published) = inspect(step: draft.step, hashingContent: false),
            published.manifest.generation == draft.generation
        {
            return published
        }
        try checkReports(draft, in: save)
        if !draft.isOnNodes { try checkFiles(draft, in: save) }
        let manifest = Manifest(draft)
        try reach(.manifest)
        let hash = try writeDurably(manifest.encoded(), to: save.folder + "/" + Self.manifestName)
        try reach(.commit)
        _ = try writeDurably(Array("\(hash)\n".utf8), to: save.folder + "/" + Self.commitName)
        try reach(.folderFlush)
        try DurableFolder.flush(save.folder)
        try install(save)
        return Checkpoint(manifest: manifest, folder: path(Self.stepName(draft.step)), manifestSHA256: hash)
    }

    /// Publishes, or gives up the save and throws why.
    package func publishOrAbandon(_ draft: CheckpointDraft) throws(CheckpointError) -> Checkpoint {
        do {
            return try publish(draft)
        } catch {
            // The reason is what counts; what cannot be removed now the next save removes.
            try? abandon(saveInProgress(of: draft))
            throw error
        }
    }

    /// Removes what the policy does not keep, after the checkpoint of `step` has been published and written down; the best
    /// one stays beside the others. One thread at a time.
    ///
    /// Every byte of those that stay by their age is read and compared before anything goes, so as many as the policy
    /// keeps, and never fewer than two, are known to be sound. Returns those that were found not to be, newest first: a
    /// disk forgets in silence, and this is when it is noticed.
    @discardableResult
    package func removeOutdated(after step: Int, generation: Int) throws(CheckpointError) -> [RejectedCheckpoint] {
        try reach(.retention, step: step, generation: generation)
        for name in try DurableFolder.names(in: folder) where name.hasPrefix(Self.outdatedPrefix) {
            try DurableFolder.remove(path(name))
        }
        let best = try best()?.manifest.step
        let steps = try publishedSteps().filter { $0 != best }
        guard steps.count > retention.keepLast else { return [] }
        var rejected: [RejectedCheckpoint] = []
        let outdated = try retention.outdated(steps) { step in
            switch judge(step: step, hashingContent: true) {
            case .sound: return true
            case .rejected(let found):
                rejected.append(found)
                return false
            }
        }
        for old in outdated {
            // Under this name it is no checkpoint any more, should the removal stop half-way.
            let leaving = path(Self.outdatedPrefix + Self.stepName(old))
            try DurableFolder.move(path(Self.stepName(old)), to: leaving)
            try reach(.removal, step: step, generation: generation)
            try DurableFolder.remove(leaving)
        }
        return rejected
    }

    private func checkReports(_ draft: CheckpointDraft, in save: CheckpointSave) throws(CheckpointError) {
        let rankCount = draft.shards.first?.rankCount ?? 0
        guard rankCount > 0, draft.shards.map(\.rank).sorted() == Array(0..<rankCount),
            draft.shards.allSatisfy({ $0.rankCount == rankCount })
        else {
            throw .incomplete(
                path: save.folder, reason: "reports of ranks \(draft.shards.map(\.rank).sorted()) of \(rankCount)")
        }
    }

    private func checkFiles(_ draft: CheckpointDraft, in save: CheckpointSave) throws(CheckpointError) {
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
        func reach(_ place: Failpoint.Place) throws(CheckpointError) {
            try self.reach(place, step: save.step, generation: save.generation)
        }
        let published = path(Self.stepName(save.step))
        let replaced = path(Self.replacedPrefix + Self.stepName(save.step))
        if DurableFolder.exists(published) {
            try DurableFolder.rename(published, to: replaced)
            try reach(.replace)
        }
        try reach(.rename)
        try DurableFolder.move(save.folder, to: published)
        try reach(.parentFlush)
        try DurableFolder.flush(folder)
        try DurableFolder.remove(replaced)
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
            },
            isOnNodes: draft.isOnNodes ? true : nil)
    }
}
