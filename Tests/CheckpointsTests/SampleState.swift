import Checkpoints

/// A small trained state: three tensors whose values tell the step.
enum SampleState {
    static let shapes: [(name: String, shape: [Int])] = [
        ("student.weight", [4, 3]), ("student.bias", [5]), ("scale", []),
    ]

    static func values(step: Int, tensor: Int) -> [Float] {
        let count = shapes[tensor].shape.reduce(1, *)
        return (0..<count).map { Float(step) + Float(tensor) / 8 + Float($0) / 1024 }
    }

    /// Saves the state as `rankCount` ranks would, one after another.
    @discardableResult
    static func save(
        step: Int, generation: Int = 1, rankCount: Int = 2, in store: CheckpointStore
    ) throws -> Manifest {
        let memory = shapes.indices.map { tensor in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: shapes[tensor].shape.reduce(1, *))
            _ = buffer.initialize(fromContentsOf: values(step: step, tensor: tensor))
            return buffer
        }
        defer { memory.forEach { $0.deallocate() } }
        let tensors = zip(shapes, memory).map {
            TensorView(name: $0.name, shape: $0.shape, elements: UnsafeBufferPointer($1))
        }
        let save = try store.beginSave(step: step, generation: generation)
        let shards = try (0..<rankCount).map {
            try store.writeShard(rank: $0, of: rankCount, tensors: tensors, in: save)
        }
        let checkpoint = try store.publish(
            CheckpointDraft(
                stage: "distil", step: step, generation: generation, shards: shards.reversed(),
                metadata: ["configuration": "abc"]))
        try store.removeOutdated(after: step, generation: generation)
        return checkpoint.manifest
    }

    /// Reads the whole state back.
    static func load(_ checkpoint: Checkpoint, shapes: [(name: String, shape: [Int])] = shapes) throws -> [[Float]] {
        let destinations = shapes.map { tensor in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.shape.reduce(1, *))
            buffer.initialize(repeating: .nan)
            return TensorDestination(name: tensor.name, shape: tensor.shape, elements: buffer)
        }
        defer { destinations.forEach { $0.elements.deallocate() } }
        try CheckpointReader(checkpoint).readAll(into: destinations)
        return destinations.map { Array($0.elements) }
    }

    static func values(step: Int) -> [[Float]] {
        shapes.indices.map { values(step: step, tensor: $0) }
    }
}
