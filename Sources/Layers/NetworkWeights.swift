package import Kernels
package import Tensors

/// A network's weights: one flat buffer and its layout. Which network it is and what trains it is the owner's business.
package final class NetworkWeights {
    package let layout: ParameterLayout
    /// The flat buffer, `[layout.elementCount]`.
    package let values: Tensor
    /// The type of the activations between the network's layers. Weights, statistics and what leaves the network are
    /// float32 in any case.
    package let precision: ElementType
    private var version = 0
    private var packed: [PackedWeights]

    /// Weights of value zero.
    package init(_ layout: ParameterLayout, precision: ElementType = .float32) {
        (self.layout, self.precision) = (layout, precision)
        values = Tensor(repeating: 0, Shape(layout.elementCount))
        packed = layout.entries.map { _ in PackedWeights() }
    }

    /// Weights at their starting values, a function of the seed and each weight's place.
    package convenience init(_ layout: ParameterLayout, precision: ElementType = .float32, seed: UInt64) {
        self.init(layout, precision: precision)
        let stream = RandomStream(seed: seed, purpose: .initialWeights)
        for (index, entry) in layout.entries.enumerated() {
            let target = self[index].buffer
            switch entry.initializer {
            case .zeros: break
            case .ones: target.update(repeating: 1)
            case .normal(let deviation):
                stream.normal(into: target, step: 0, sample: index)
                for element in target.indices { target[element] *= deviation }
            case .uniform(let bound):
                for element in target.indices {
                    target[element] = (stream.uniform(step: 1 + element, sample: index) * 2 - 1) * bound
                }
            }
        }
    }

    /// A network of its own with the same weights, computed in `precision` or, without one, as this.
    package func copied(precision: ElementType? = nil) -> NetworkWeights {
        let copy = NetworkWeights(layout, precision: precision ?? self.precision)
        copy.values.pointer.update(from: values.pointer, count: values.count)
        return copy
    }

    /// The weight at an index, as a view.
    package subscript(index: Int) -> Tensor {
        let entry = layout.entries[index]
        return Tensor(values.storage, offset: entry.offset, shape: Shape(entry.shape))
    }

    /// Every weight under its name.
    package var named: [(name: String, value: Tensor)] {
        layout.entries.indices.map { (layout.entries[$0].name, self[$0]) }
    }

    /// Changes the flat buffer, and lets every form derived from it be remade. Their memory is free until then: what the
    /// student's backward pass reads is not needed again before its next turn.
    package func update(_ body: (Tensor) throws -> Void) rethrows {
        defer {
            version += 1
            for forms in packed { forms.removeAll() }
        }
        try body(values)
    }

    fileprivate func convolutionForms(of index: Int) -> (PackedWeights, version: Int) { (packed[index], version) }
}

/// Weights as one computation sees them: tracked with a place for their gradients, or frozen.
package struct BoundWeights {
    package let weights: NetworkWeights
    private let tracking: (tape: Tape, gradient: Tensor)?

    /// Weights through which no gradient is recorded; an input's gradient still flows.
    package static func frozen(_ weights: NetworkWeights) -> BoundWeights {
        BoundWeights(weights: weights, tracking: nil)
    }

    /// Weights whose gradients are added to `gradient`, a flat buffer of the weights' layout.
    ///
    /// Traps: if the buffer is too small.
    package static func tracked(_ weights: NetworkWeights, on tape: Tape, gradient: Tensor) -> BoundWeights {
        precondition(
            gradient.count >= weights.layout.elementCount,
            "BoundWeights: gradient of \(gradient.count) for \(weights.layout.elementCount) weights")
        return BoundWeights(weights: weights, tracking: (tape, gradient))
    }

    private init(weights: NetworkWeights, tracking: (tape: Tape, gradient: Tensor)?) {
        (self.weights, self.tracking) = (weights, tracking)
    }

    /// The type of the activations between the network's layers.
    package var precision: ElementType { weights.precision }

    /// The weight at an index.
    package subscript(index: Int) -> Variable {
        let value = weights[index]
        guard let tracking else { return Variable(value) }
        let entry = weights.layout.entries[index]
        return tracking.tape.weight(
            value,
            gradient: Tensor(
                tracking.gradient.storage, offset: tracking.gradient.offset + entry.offset, shape: value.shape))
    }

    func convolutionForms(of index: Int) -> (PackedWeights, version: Int) { weights.convolutionForms(of: index) }
}
