/// The checkpoints of one stage of a run, in one folder.
///
///     step-00000500/            published: complete, and its hashes match
///         shard-00000-of-00002.safetensors ...
///         manifest.json
///         COMMITTED             the SHA-256 of manifest.json
///     step-00000400.bad-hash/   set aside by a search
///     .step-00000600.gen-3/     being written by launch 3
///
/// A checkpoint exists when its manifest verifies. Until the one rename that publishes it, readers cannot see it; a
/// crash at any moment leaves the ones before it as they were. Threading: one rank publishes and searches.
package struct CheckpointStore: Sendable {
    /// The folder, such as `runs/digits/checkpoints/distil`. Created by the first save.
    package let folder: String
    /// Which published checkpoints are kept.
    package let retention: RetentionPolicy
    private let failpoint: Failpoint?

    /// Describes a store; `failpoint` is for tests.
    package init(folder: String, retention: RetentionPolicy = RetentionPolicy(), failpoint: Failpoint? = nil) {
        (self.folder, self.retention, self.failpoint) = (folder, retention, failpoint)
    }

    static let manifestName = "manifest.json"
    static let commitName = "COMMITTED"
    static let replacedPrefix = ".replaced-"
    static let outdatedPrefix = ".outdated-"

    /// `step-00000500`: the folder of a checkpoint, and what belongs to it elsewhere.
    package static func stepName(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    static func step(ofName name: some StringProtocol) -> Int? {
        guard name.hasPrefix("step-") else { return nil }
        let digits = name.dropFirst("step-".count)
        return digits.allSatisfy { ("0"..."9").contains($0) } ? Int(digits) : nil
    }

    /// A test may have the process die here, or the step fail.
    package func reach(_ place: Failpoint.Place, step: Int, generation: Int) throws(CheckpointError) {
        if let failpoint { try failpoint.reach(place, step: step, generation: generation) }
    }

    func path(_ name: String) -> String { folder + "/" + name }

    /// The steps with a published folder, newest first, damaged or not.
    package func publishedSteps() throws(CheckpointError) -> [Int] {
        try DurableFolder.names(in: folder).compactMap { Self.step(ofName: $0) }.sorted(by: >)
    }

    /// Removes the folder with all that is in it.
    package func removeAll() throws(CheckpointError) {
        try DurableFolder.remove(folder)
    }

    /// Puts back a checkpoint whose replacement was interrupted between its two renames.
    func restoreInterruptedReplacements() throws(CheckpointError) {
        for name in try DurableFolder.names(in: folder) where name.hasPrefix(Self.replacedPrefix) {
            let original = path(String(name.dropFirst(Self.replacedPrefix.count)))
            if DurableFolder.exists(original) {
                try DurableFolder.remove(path(name))
            } else {
                try DurableFolder.rename(path(name), to: original)
            }
        }
    }
}
