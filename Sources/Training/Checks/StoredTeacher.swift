import Checkpoints
package import Coordination
package import Diffusion
package import Layers
import Tensors

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
    package init(_ configuration: RunConfiguration, denoiser: Denoiser) throws {
        weights = NetworkWeights(denoiser.layout, precision: configuration.precision.onThisProcessor.teacher)
        if configuration.teacher.isGiven {
            // Also compares the file's hash with the one that the configuration may name.
            let bound = try configuration.bindingTeacherFile()
            try TeacherFile(path: bound.teacher.weights, layout: denoiser.layout).read(into: weights)
            (step, isComplete) = (nil, true)
            return
        }
        let folder = RunFolderLayout(configuration.run.folder)
        guard let found = try folder.checkpoints(of: "teacher").newestVerified(settingAside: false).found else {
            throw MissingTeacher(folder: folder.path)
        }
        let reader = try CheckpointReader(found)
        for (name, value) in weights.named {
            let stored = "teacher.\(StageState.Part.average.rawValue)\(name)"
            try reader.read(TensorDestination(name: stored, shape: value.shape.list, elements: value.buffer))
        }
        weights.update { _ in }
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
