import Checkpoints
package import Coordination
package import Diffusion
package import Layers

/// The teacher of a run: the file that `teacher.weights` names, or the newest checkpoint that verifies.
package struct StoredTeacher {
    /// The moving average, which is what is distilled.
    package let weights: NetworkWeights
    /// The updates behind it, nil for a file's, and whether its training is over.
    package let step: Int?
    package let isComplete: Bool

    /// Reads it from the run's folder, and changes nothing there.
    ///
    /// Throws: `MissingTeacher` if the folder has none, `CheckpointError` or `TeacherFileError` if it does not fit the
    /// configured network.
    package init(_ configuration: RunConfiguration, denoiser: Denoiser, images: TrainingImages) throws {
        if configuration.teacher.isGiven {
            weights = NetworkWeights(denoiser.layout, precision: configuration.precision.teacher)
            try TeacherFile(path: configuration.teacher.weights, layout: denoiser.layout).read(into: weights)
            (step, isComplete) = (nil, true)
            return
        }
        let folder = RunFolderLayout(configuration.run.folder)
        guard let found = try folder.checkpoints(of: "teacher").newestVerified(settingAside: false).found else {
            throw MissingTeacher(folder: folder.path)
        }
        let stage = TeacherStage(
            configuration.teacher, denoiser: denoiser, precision: configuration.precision.teacher, images: images,
            seed: configuration.run.seed)
        try StageState(networks: stage.networks).load(found)
        weights = stage.average
        step = found.manifest.step
        isComplete = found.manifest.metadata[Worker.completeKey] == "true"
    }
}

/// A run folder that has no teacher yet.
package struct MissingTeacher: Error, Sendable, CustomStringConvertible {
    let folder: String

    package var description: String {
        "\(folder) holds no checkpoint of a teacher: dmd2 run CONFIG trains one and saves it every "
            + "teacher.checkpointEverySteps"
    }

    package var exitStatus: ExitStatus { .inputMissing }
}
