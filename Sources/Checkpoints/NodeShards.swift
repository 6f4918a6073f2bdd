import Foundation
import Glibc

/// The files that one machine keeps of the checkpoints of a stage, in a folder on a disk of its own.
///
///     step-00000040.gen-3/
///         shard-00000-of-00004.safetensors     a rank of this machine wrote it
///         shard-00002-of-00004.safetensors     the copy of a rank's on another machine
///
/// Nothing here says what is a checkpoint: manifests do, which are in the run folder and are published when every file is
/// on the disk of every machine that should have it. A folder without a manifest is a leftover.
package struct NodeShards: Sendable {
    /// The folder. Created by the first save.
    package let folder: String

    /// Describes a folder.
    package init(folder: String) { self.folder = folder }

    /// `step-00000040.gen-3`: the folder of a save.
    package static func name(step: Int, generation: Int) -> String {
        "\(CheckpointStore.stepName(step)).gen-\(generation)"
    }

    /// Names a save.
    package func save(step: Int, generation: Int) -> CheckpointSave {
        CheckpointSave(
            step: step, generation: generation, folder: folder + "/" + Self.name(step: step, generation: generation))
    }

    /// Removes all folders but those in `keeping`, and creates the one of a save.
    ///
    /// One rank of a machine calls this, before any rank writes. Throws `noSpace` if the `byteCount` bytes that the machine
    /// will write would not leave enough free.
    package func begin(_ save: CheckpointSave, keeping names: Set<String>, byteCount: Int) throws(CheckpointError) {
        try DurableFolder.create(folder)
        for name in try DurableFolder.names(in: folder) where !names.contains(name) {
            try DurableFolder.remove(folder + "/" + name)
        }
        try FreeSpace.check(for: byteCount, at: folder)
        try DurableFolder.create(save.folder)
    }

    /// Forces the names of a save's files to the disk, now that they are written.
    package func flush(_ save: CheckpointSave) throws(CheckpointError) {
        try DurableFolder.flush(save.folder)
        try DurableFolder.flush(folder)
    }

    /// Removes the folder with all that is in it, and the one above it if that leaves nothing there.
    package func removeAll() throws(CheckpointError) {
        try DurableFolder.remove(folder)
        // Refused while there is something in it, which is what is wanted.
        rmdir((folder as NSString).deletingLastPathComponent)
    }

    /// The files of a checkpoint that are here and have the length that its manifest says, by name.
    package func files(of manifest: Manifest) -> [String] {
        let folder = self.folder(of: manifest)
        return manifest.files.keys.sorted().filter { name in
            guard let expected = manifest.files[name], let file = try? InputFile(path: folder + "/" + name) else {
                return false
            }
            return file.byteCount == expected.byteCount
        }
    }

    /// What is wrong with a file that is here, its hash compared; nil if it is as it was written.
    package func problem(with name: String, of manifest: Manifest) -> String? {
        guard let expected = manifest.files[name] else { return "\(name) is not in the manifest" }
        do throws(CheckpointStore.Defect) {
            try CheckpointStore.check(name, expected, in: self.folder(of: manifest), hashingContent: true)
            return nil
        } catch {
            return error.detail
        }
    }

    /// The folder of a checkpoint.
    package func folder(of manifest: Manifest) -> String {
        save(step: manifest.step, generation: manifest.generation).folder
    }
}
