import Foundation

/// A published checkpoint.
package struct Checkpoint: Sendable, Equatable {
    /// Its table of contents.
    package var manifest: Manifest
    /// Its folder.
    package var folder: String
    /// SHA-256 of its manifest, lower-case hexadecimal: with the manifest's hashes, of all it holds.
    package var manifestSHA256: String
}

/// A checkpoint that does not verify.
package struct RejectedCheckpoint: Codable, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with it, as it appears in the name of a folder that is set aside.
    package enum Fault: String, Codable, Sendable {
        /// There is no `COMMITTED`, or it does not match the manifest.
        case commit
        /// The manifest cannot be read, or is that of another step.
        case manifest
        /// A file is missing.
        case missing
        /// A file has another length than recorded.
        case size
        /// A file has another hash than recorded.
        case hash
        /// The system refused to read a file.
        case unreadable
        /// It was written by a later version of the program.
        case version

        /// Whether this is damage. What cannot be read, or not yet, may be sound: it stays where it is.
        package var isDamage: Bool { self != .unreadable && self != .version }
    }

    /// Its step.
    package var step: Int
    /// What is wrong.
    package var fault: Fault
    /// The file and what is wrong with it.
    package var detail: String
    /// Where it is now.
    package var folder: String

    /// Describes what is wrong; see the properties for the meaning of each argument.
    package init(step: Int, fault: Fault, detail: String, folder: String) {
        (self.step, self.fault, self.detail, self.folder) = (step, fault, detail, folder)
    }

    /// One line.
    package var description: String { "checkpoint \(folder) is not used: \(detail)" }
}

/// The outcome of a search for a checkpoint to go on from.
package struct CheckpointSearch: Sendable, Equatable {
    /// The newest one that verifies; nil if there is none.
    package var found: Checkpoint?
    /// The newer ones that do not, newest first.
    package var rejected: [RejectedCheckpoint]
    /// The folders of damaged ones that were removed, because newer damaged ones are kept.
    package var removed: [String] = []
}

extension CheckpointStore {
    /// Finds the newest checkpoint whose commit mark, manifest, file lengths and hashes all agree.
    ///
    /// With `settingAside`, damaged ones on the way are renamed to `step-N.bad-FAULT`, and of those only the two with
    /// the highest steps stay, for whoever wants to know what happened; only one process may do that.
    package func newestVerified(settingAside: Bool) throws(CheckpointError) -> CheckpointSearch {
        try search(below: nil, hashingContent: true, settingAside: settingAside)
    }

    /// Finds the newest checkpoint before a step whose commit mark, manifest and file lengths agree; hashes are left to
    /// `firstDefect`. `settingAside` as in `newestVerified`.
    package func newestCommitted(below limit: Int?, settingAside: Bool) throws(CheckpointError) -> CheckpointSearch {
        try search(below: limit, hashingContent: false, settingAside: settingAside)
    }

    private func search(
        below limit: Int?, hashingContent: Bool, settingAside: Bool
    ) throws(CheckpointError) -> CheckpointSearch {
        if settingAside { try restoreInterruptedReplacements() }
        var search = CheckpointSearch(found: nil, rejected: [])
        for step in try publishedSteps() where search.found == nil && limit.map({ step < $0 }) ?? true {
            switch judge(step: step, hashingContent: hashingContent) {
            case .sound(let checkpoint):
                search.found = checkpoint
            case .rejected(let rejected):
                search.rejected.append(settingAside ? try setAside(rejected) : rejected)
            }
        }
        if settingAside { search.removed = try removeOldDamaged() }
        return search
    }

    /// Reads every `count`th file of a checkpoint from number `part` on and compares its hash; nil if they are as they
    /// were written. So several processes share the work: part r of n for rank r of n.
    package func firstDefect(of checkpoint: Checkpoint, part: Int, of count: Int) -> RejectedCheckpoint? {
        precondition((0..<count).contains(part), "checkpoint: part \(part) of \(count)")
        let files = checkpoint.manifest.files.sorted { $0.key < $1.key }
        for index in stride(from: part, to: files.count, by: count) {
            do {
                try Self.check(files[index].key, files[index].value, in: checkpoint.folder, hashingContent: true)
            } catch {
                return RejectedCheckpoint(
                    step: checkpoint.manifest.step, fault: error.fault, detail: error.detail, folder: checkpoint.folder)
            }
        }
        return nil
    }

    /// Renames a damaged checkpoint to `step-N.bad-FAULT`, and says where it is now. What is not damaged stays.
    package func setAside(_ rejected: RejectedCheckpoint) throws(CheckpointError) -> RejectedCheckpoint {
        guard rejected.fault.isDamage else { return rejected }
        var moved = rejected
        moved.folder = path(Self.stepName(rejected.step)) + Self.damageMark + rejected.fault.rawValue
        try DurableFolder.remove(moved.folder)
        try DurableFolder.rename(path(Self.stepName(rejected.step)), to: moved.folder)
        return moved
    }

    static let damageMark = ".bad-"
    private static let keptDamagedCount = 2

    /// Removes all but the newest that were set aside, and returns their folders.
    private func removeOldDamaged() throws(CheckpointError) -> [String] {
        let damaged = try DurableFolder.names(in: folder).compactMap { name in
            name.range(of: Self.damageMark).flatMap { mark in
                Self.step(ofName: name[..<mark.lowerBound]).map { (step: $0, name: name) }
            }
        }
        let outdated = damaged.sorted { ($0.step, $0.name) > ($1.step, $1.name) }.dropFirst(Self.keptDamagedCount)
        for (_, name) in outdated { try DurableFolder.remove(path(name)) }
        return outdated.map { path($0.name) }
    }

    /// Checks the checkpoint of one step, from the commit mark inwards; the files' hashes only if asked.
    func inspect(step: Int, hashingContent: Bool) -> Result<Checkpoint, Defect> {
        let folder = path(Self.stepName(step))
        return Result { () throws(Defect) in
            let (manifest, hash) = try committedManifest(in: folder)
            guard manifest.step == step else {
                throw Defect(fault: .manifest, detail: "its manifest is that of step \(manifest.step)")
            }
            // Files that are on other machines can only be judged there.
            for (name, fingerprint) in manifest.files.sorted(by: { $0.key < $1.key }) where manifest.isOnNodes != true {
                try Self.check(name, fingerprint, in: folder, hashingContent: hashingContent)
            }
            return Checkpoint(manifest: manifest, folder: folder, manifestSHA256: hash)
        }
    }

    /// What an inspection found.
    struct Defect: Error {
        var fault: RejectedCheckpoint.Fault
        var detail: String
    }

    private func committedManifest(in folder: String) throws(Defect) -> (Manifest, sha256: String) {
        let commit = try content(of: Self.commitName, in: folder, ifMissing: .commit)
        let bytes = try content(of: Self.manifestName, in: folder, ifMissing: .manifest)
        let hash = bytes.withUnsafeBytes { SHA256Hasher.hash(of: $0) }
        guard commit == Array("\(hash)\n".utf8) else {
            throw Defect(fault: .commit, detail: "\(Self.commitName) does not hold the hash of \(Self.manifestName)")
        }
        // The hash matches, so an unknown layout is no damage: another version of this program wrote it.
        guard let manifest = Manifest.decoded(bytes), manifest.formatVersion == Manifest.currentFormatVersion else {
            throw Defect(fault: .version, detail: "\(Self.manifestName) has a layout that this version does not know")
        }
        return (manifest, hash)
    }

    private func content(
        of name: String, in folder: String, ifMissing fault: RejectedCheckpoint.Fault
    ) throws(Defect) -> [UInt8] {
        let path = folder + "/" + name
        if DurableFolder.isAbsent(path) { throw Defect(fault: fault, detail: "\(name) is missing") }
        do {
            let file = try InputFile(path: path)
            return try file.bytes(at: 0, count: file.byteCount)
        } catch {
            throw Defect(fault: .unreadable, detail: error.description)
        }
    }

    /// Compares a file's length, and its hash if asked, with what was recorded of it.
    static func check(
        _ name: String, _ expected: FileFingerprint, in folder: String, hashingContent: Bool
    ) throws(Defect) {
        let path = folder + "/" + name
        if DurableFolder.isAbsent(path) { throw Defect(fault: .missing, detail: "\(name) is missing") }
        do {
            let file = try InputFile(path: path)
            guard file.byteCount == expected.byteCount else {
                throw Defect(
                    fault: .size, detail: "\(name) has \(file.byteCount) bytes, not \(expected.byteCount)")
            }
            guard hashingContent else { return }
            guard try file.hash() == expected.sha256 else {
                throw Defect(fault: .hash, detail: "\(name) does not have the hash in \(Self.manifestName)")
            }
        } catch let defect as Defect {
            throw defect
        } catch {
            throw Defect(fault: .unreadable, detail: "\(error)")
        }
    }
}
