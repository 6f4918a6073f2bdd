package import Checkpoints
import Layers
package import Tensors

/// The weights of one network of a checkpoint, under the names and in the shapes of PyTorch's state dict.
package final class WeightsExport {
    /// Which network, and which of its weights.
    package let role: ExportedRole
    package let values: ExportedValues
    /// Where it comes from, and what it is: free text for the file's header.
    package let metadata: [String: String]
    /// The tensors, in the order of the checkpoint's names.
    package var tensors: [(name: String, value: Tensor)] { weights.map { ($0.name, $0.value) } }

    private let weights: [(name: String, value: Tensor)]

    /// Reads the weights of `role`. Without `values` they are those that the run itself would use: of a student what
    /// `evaluate.student` says, else the moving average where there is one.
    ///
    /// Throws `CheckpointError.noAverage` if the average that is asked for is not there, as of a critic, `mismatch` if the
    /// checkpoint has no such network.
    package init(
        _ checkpoint: Checkpoint, role: ExportedRole, values: ExportedValues?, configuration: RunConfiguration
    ) throws(CheckpointError) {
        let manifest = checkpoint.manifest
        func names(_ values: ExportedValues) -> [(stored: String, name: String)] {
            StageState.names(in: manifest, role: role.rawValue, values)
        }
        self.role = role
        self.values =
            values
            ?? (role == .student
                ? configuration.evaluate.student.exported
                : names(.average).isEmpty ? .raw : .average)
        let found = names(self.values)
        guard !found.isEmpty else {
            if !names(.raw).isEmpty { throw .noAverage(path: checkpoint.folder, network: role.rawValue) }
            throw .mismatch(path: checkpoint.folder, reason: "it has no weights of a \(role)")
        }
        let reader = try CheckpointReader(checkpoint)
        var weights: [(name: String, value: Tensor)] = []
        for (stored, name) in found {
            let shape = manifest.tensors[stored]?.shape ?? []
            let value = Tensor(uninitialized: Shape(shape))
            try reader.read(TensorDestination(name: stored, shape: shape, elements: value.buffer))
            weights.append((name, value))
        }
        self.weights = weights
        metadata = [
            // What loaders of the field look for before they take a file for PyTorch's.
            "format": "pt",
            "run": configuration.run.name, "role": role.rawValue, "weights": self.values.name,
            "stage": manifest.stage, "step": String(manifest.step), "generation": String(manifest.generation),
            "updates": manifest.metadata["updates.\(role)"] ?? "",
            "manifest.sha256": checkpoint.manifestSHA256,
            "configuration.sha256": manifest.metadata["configuration.sha256"] ?? "",
            "configuration": configuration.canonicalText,
        ]
    }

    /// The weights as a network of this layout, in float32.
    ///
    /// Throws `CheckpointError.mismatch` if they are not those of the configured network.
    func network(_ layout: ParameterLayout) throws(CheckpointError) -> NetworkWeights {
        let network = NetworkWeights(layout)
        let sources = Dictionary(uniqueKeysWithValues: weights)
        for (name, value) in network.named {
            guard let source = sources[name], source.shape == value.shape else {
                throw .mismatch(
                    path: "the exported \(role)",
                    reason: "it has no \(name) \(value.shape), which the run's configuration asks for")
            }
            _ = value.buffer.update(fromContentsOf: source.buffer)
        }
        return network
    }

    /// Writes the file, whole or not at all, and returns its length and hash.
    package func write(to path: String) throws(CheckpointError) -> FileFingerprint {
        let views = weights.map {
            TensorView(name: $0.name, shape: $0.value.shape.list, elements: UnsafeBufferPointer($0.value.buffer))
        }
        return try SafetensorsFile.replace(path, by: views, metadata: metadata)
    }
}

extension EvaluationConfiguration.StudentWeights {
    fileprivate var exported: ExportedValues {
        switch self {
        case .raw: .raw
        case .average: .average
        case .furtherAverage(let decay): .furtherAverage(decay: decay)
        }
    }
}
