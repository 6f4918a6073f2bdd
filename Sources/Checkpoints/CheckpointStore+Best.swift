extension CheckpointStore {
    /// The name under which a manifest's metadata has the distance that the best checkpoint is chosen by, lower is better.
    package static let distanceKey = "frechet_distance"

    /// The published checkpoint with the lowest distance, the newest of several; nil where none was measured.
    ///
    /// Lengths and the manifest's hash are checked; the content is hashed when it is loaded.
    package func best() throws(CheckpointError) -> Checkpoint? {
        var best: (checkpoint: Checkpoint, distance: Double)?
        for step in try publishedSteps() {
            guard case .success(let checkpoint) = inspect(step: step, hashingContent: false),
                let distance = checkpoint.distance, distance < best?.distance ?? .infinity
            else { continue }
            best = (checkpoint, distance)
        }
        return best?.checkpoint
    }
}

extension Checkpoint {
    /// The distance measured of this state, if one was.
    package var distance: Double? { manifest.metadata[CheckpointStore.distanceKey].flatMap(Double.init) }
}
