/// A named tensor to be written: a view of memory that the caller keeps alive and unchanged.
package struct TensorView {
    /// The stable dotted name, such as `model.enc.16x16_conv.weight`.
    package var name: String
    /// The extents, slowest index first; empty for a scalar.
    package var shape: [Int]
    /// The values, in the order of `shape`.
    package var elements: UnsafeBufferPointer<Float>

    /// Makes a view. Traps unless `elements` has as many elements as `shape` says.
    package init(name: String, shape: [Int], elements: UnsafeBufferPointer<Float>) {
        precondition(
            shape.reduce(1, *) == elements.count, "tensor \(name): shape \(shape) for \(elements.count) elements")
        self.name = name
        self.shape = shape
        self.elements = elements
    }
}

/// A named tensor to be read: where its values go.
package struct TensorDestination {
    /// The stable dotted name.
    package var name: String
    /// The extents, slowest index first; what is read must have exactly these.
    package var shape: [Int]
    /// The memory to overwrite.
    package var elements: UnsafeMutableBufferPointer<Float>

    /// Makes a destination. Traps unless `elements` has as many elements as `shape` says.
    package init(name: String, shape: [Int], elements: UnsafeMutableBufferPointer<Float>) {
        precondition(
            shape.reduce(1, *) == elements.count, "tensor \(name): shape \(shape) for \(elements.count) elements")
        self.name = name
        self.shape = shape
        self.elements = elements
    }
}
