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

    /// Reads the weights of `role`. Without `values` it is the moving average where there is one, as the run itself would
    /// use the network.
    ///
    /// Throws `CheckpointError.noAverage` if `values` asks for an average of a network that has none, as a critic,
    /// `mismatch` if the checkpoint has no such network.
    package init(
        _ checkpoint: Checkpoint, role: ExportedRole, values: ExportedValues?, configuration: RunConfiguration
    ) throws(CheckpointError) {
        let manifest = checkpoint.manifest
        let averageNames = StageState.names(in: manifest, role: role.rawValue, part: .average)
        self.role = role
        self.values = values ?? (averageNames.isEmpty ? .raw : .average)
        let part: StageState.Part = self.values == .average ? .average : .weights
        let names = StageState.names(in: manifest, role: role.rawValue, part: part)
        guard !names.isEmpty else {
            if !StageState.names(in: manifest, role: role.rawValue, part: .weights).isEmpty {
                throw .noAverage(path: checkpoint.folder, network: role.rawValue)
            }
            throw .mismatch(path: checkpoint.folder, reason: "it has no weights of a \(role)")
        }
        let reader = try CheckpointReader(checkpoint)
        var weights: [(name: String, value: Tensor)] = []
        for (stored, name) in names {
            let shape = manifest.tensors[stored]?.shape ?? []
            let value = Tensor(uninitialized: Shape(shape))
            try reader.read(TensorDestination(name: stored, shape: shape, elements: value.buffer))
            weights.append((name, value))
        }
        self.weights = weights
        metadata = [
            // What loaders of the field look for before they take a file for PyTorch's.
            "format": "pt",
            "run": configuration.run.name, "role": role.rawValue, "weights": self.values.rawValue,
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
