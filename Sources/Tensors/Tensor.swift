package import Kernels

/// An array in row-major order: a shape, an element type and a place in a storage. Copies share the storage.
///
/// Weights, losses and images are float32; activations inside a network may be bfloat16.
package struct Tensor: Sendable {
    package let shape: Shape
    package let elementType: ElementType
    package private(set) var storage: Storage
    /// The first element's index in the storage, in elements.
    package let offset: Int

    /// A new tensor, contents undefined.
    package init(uninitialized shape: Shape, _ elementType: ElementType = .float32) {
        (self.shape, self.elementType) = (shape, elementType)
        storage = StoragePool.take((shape.count * elementType.byteCount + 3) / 4)
        offset = 0
    }

    /// A view of `shape.count` elements from `offset` on.
    ///
    /// Traps: if the view does not fit.
    package init(_ storage: Storage, offset: Int, shape: Shape, _ elementType: ElementType = .float32) {
        precondition(
            offset >= 0 && (offset + shape.count) * elementType.byteCount <= storage.capacity * 4,
            "Tensor: a view of \(shape.count) elements at \(offset) exceeds \(storage.capacity) floats")
        (self.shape, self.elementType, self.storage, self.offset) = (shape, elementType, storage, offset)
    }

    /// A new tensor of one value.
    package init(repeating value: Float, _ shape: Shape) {
        self.init(uninitialized: shape)
        pointer.update(repeating: value, count: shape.count)
    }

    /// A new tensor with the given elements.
    ///
    /// Traps: if the counts differ.
    package init(_ elements: some Collection<Float>, _ shape: Shape) {
        precondition(elements.count == shape.count, "Tensor: \(elements.count) elements for shape \(shape)")
        self.init(uninitialized: shape)
        _ = buffer.update(fromContentsOf: elements)
    }

    /// The first element. Valid while a tensor on this storage lives.
    ///
    /// Traps: if the elements are not floats.
    package var pointer: UnsafeMutablePointer<Float> {
        precondition(elementType == .float32, "Tensor.pointer: the elements are \(elementType)")
        return storage.pointer + offset
    }
    /// The first element, of whatever type. Valid while a tensor on this storage lives, which a local one may do no longer
    /// than its last use: `withExtendedLifetime` where a call takes the pointer only.
    package var activations: ActivationPointer {
        ActivationPointer(
            UnsafeMutableRawPointer(storage.pointer) + offset * elementType.byteCount, elementType)
    }
    /// All elements. Valid while a tensor on this storage lives.
    package var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: pointer, count: count) }
    /// The number of elements.
    package var count: Int { shape.count }
    /// The elements as an array.
    package var elements: [Float] { Array(buffer) }

    /// The same elements under another shape.
    ///
    /// Traps: if the counts differ.
    package func reshaped(_ shape: Shape) -> Tensor {
        precondition(shape.count == count, "Tensor.reshaped: \(self.shape) to \(shape)")
        return Tensor(storage, offset: offset, shape: shape, elementType)
    }

    /// The same values as elements of another type, rounded to nearest even; the same tensor where it has that type.
    package func converted(to type: ElementType) -> Tensor {
        if type == elementType { return self }
        let result = Tensor(uninitialized: shape, type)
        Elementwise.convert(activations, into: result.activations, count: count)
        return result
    }

    /// A tensor of its own with the same elements.
    package func copied() -> Tensor {
        let copy = Tensor(uninitialized: shape, elementType)
        Elementwise.convert(activations, into: copy.activations, count: count)
        return copy
    }

    /// The samples `range` of the first axis, as a view.
    package func samples(_ range: Range<Int>) -> Tensor {
        Tensor(
            storage, offset: offset + range.lowerBound * shape.countPerSample,
            shape: Shape([range.count] + shape.list.dropFirst()), elementType)
    }

    /// Makes sure that nothing else holds the storage, by a copy where something does.
    mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&storage) { self = copied() }
    }

    /// Adds `other`; in place where nothing else holds the storage, else into new memory.
    mutating func accumulate(_ other: Tensor) {
        precondition(
            other.shape == shape && other.elementType == elementType,
            "Tensor.accumulate: \(other.elementType) \(other.shape) to \(elementType) \(shape)")
        let target = isKnownUniquelyReferenced(&storage) ? self : Tensor(uninitialized: shape, elementType)
        Elementwise.add(activations, other.activations, into: target.activations, count: count)
        self = target
    }
}
