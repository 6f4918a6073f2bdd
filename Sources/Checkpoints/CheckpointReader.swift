/// The tensors of one checkpoint, read straight into the caller's memory.
package final class CheckpointReader {
    private let checkpoint: Checkpoint
    private let files: [String: SafetensorsFile]

    /// Opens the files of a checkpoint that a search has verified.
    package init(_ checkpoint: Checkpoint) throws(CheckpointError) {
        self.checkpoint = checkpoint
        var files: [String: SafetensorsFile] = [:]
        for name in checkpoint.manifest.files.keys {
            files[name] = try SafetensorsFile(path: checkpoint.folder + "/" + name)
        }
        self.files = files
    }

    /// Overwrites `destination` by the tensor of its name. Throws `mismatch` if there is none of that shape.
    package func read(_ destination: TensorDestination) throws(CheckpointError) {
        guard let record = checkpoint.manifest.tensors[destination.name], let file = files[record.file] else {
            throw .mismatch(path: checkpoint.folder, reason: "it has no tensor \(destination.name)")
        }
        try file.read(destination)
    }

    /// Overwrites all of `destinations`, which must name every tensor of the checkpoint and no other.
    ///
    /// Throws `mismatch`, before anything is overwritten, if names or shapes differ.
    package func readAll(into destinations: [TensorDestination]) throws(CheckpointError) {
        try checkpoint.checkFits(destinations)
        for destination in destinations { try read(destination) }
    }
}

extension Checkpoint {
    /// Throws `mismatch` unless `destinations` name every tensor of the checkpoint, in its shape, and no other.
    package func checkFits(_ destinations: [TensorDestination]) throws(CheckpointError) {
        let stored = manifest.tensors
        let missing = destinations.filter { stored[$0.name]?.shape != $0.shape }.map { "\($0.name) \($0.shape)" }
        let unexpected = Set(stored.keys).subtracting(destinations.map(\.name)).sorted()
        guard missing.isEmpty && unexpected.isEmpty else {
            throw .mismatch(
                path: folder,
                reason: "wanted but not there: \(Self.list(missing)); there but not wanted: \(Self.list(unexpected))")
        }
    }

    /// The first few of `names`, for a message of one line.
    private static func list(_ names: [String]) -> String {
        let shownCount = 3
        let rest = names.count > shownCount ? " and \(names.count - shownCount) more" : ""
        return names.isEmpty ? "nothing" : names.prefix(shownCount).joined(separator: ", ") + rest
    }
}
