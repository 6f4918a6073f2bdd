import Kernels

/// A float32 array in row-major order: a shape and a place in a storage. Copies share the storage.
package struct Tensor: Sendable {
    package let shape: Shape
    package private(set) var storage: Storage
    /// The first element's index in the storage.
    package let offset: Int

    /// A new tensor, contents undefined.
    package init(uninitialized shape: Shape) {
        self.shape = shape
        storage = StoragePool.take(shape.count)
        offset = 0
    }

    /// A view of `shape.count` elements from `offset` on.
    ///
    /// Traps: if the view does not fit.
    package init(_ storage: Storage, offset: Int, shape: Shape) {
        precondition(
            offset >= 0 && offset + shape.count <= storage.capacity,
            "Tensor: a view of \(shape.count) elements at \(offset) exceeds \(storage.capacity)")
        (self.shape, self.storage, self.offset) = (shape, storage, offset)
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
    package var pointer: UnsafeMutablePointer<Float> { storage.pointer + offset }
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
        return Tensor(storage, offset: offset, shape: shape)
    }

    /// A tensor of its own with the same elements.
    package func copied() -> Tensor {
        let copy = Tensor(uninitialized: shape)
        copy.pointer.update(from: pointer, count: count)
        return copy
    }

    /// The samples `range` of the first axis, as a view.
    package func samples(_ range: Range<Int>) -> Tensor {
        Tensor(
            storage, offset: offset + range.lowerBound * shape.countPerSample,
            shape: Shape([range.count] + shape.list.dropFirst()))
    }

    /// Adds `other`; in place where nothing else holds the storage, else into new memory.
    mutating func accumulate(_ other: Tensor) {
        precondition(other.shape == shape, "Tensor.accumulate: \(other.shape) to \(shape)")
        if isKnownUniquelyReferenced(&storage) {
            Elementwise.add(pointer, other.pointer, into: pointer, count: count)
        } else {
            let sum = Tensor(uninitialized: shape)
            Elementwise.add(pointer, other.pointer, into: sum.pointer, count: count)
            self = sum
        }
    }
}
