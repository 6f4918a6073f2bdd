import Glibc
import Synchronization

/// A run of floats: the pool's, on 64-byte boundaries, given back when the last tensor on it goes; or somebody else's.
///
/// `@unchecked Sendable`: the fields never change; who may touch the floats is the owner's business, as with any buffer.
package final class Storage: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    /// The floats there is room for.
    package let capacity: Int

    private let isPooled: Bool

    fileprivate init(pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        (self.pointer, self.capacity, isPooled) = (pointer, capacity, true)
    }

    /// Memory of the caller's, which outlives every tensor on it.
    package init(borrowing pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        (self.pointer, self.capacity, isPooled) = (pointer, capacity, false)
    }

    deinit { if isPooled { StoragePool.recycle(pointer, capacity: capacity) } }
}

/// Memory for tensors, kept when it is given back: after one training step every request is met from what is there.
package enum StoragePool {
    private struct Shelves: ~Copyable {
        var free: [Int: [UInt]] = [:]
        var allocatedByteCount = 0
    }
    private static let shelves = Mutex(Shelves())

    /// The bytes taken from the system so far, in use or waiting; constant once a loop has reached its steady state.
    package static var allocatedByteCount: Int { shelves.withLock { $0.allocatedByteCount } }

    /// A run of at least `count` floats, contents undefined.
    package static func take(_ count: Int) -> Storage {
        let capacity = roundedCapacity(count)
        let recycled = shelves.withLock { shelves -> UInt? in
            if let address = shelves.free[capacity]?.popLast() { return address }
            shelves.allocatedByteCount += capacity * 4
            return nil
        }
        if let recycled, let pointer = UnsafeMutablePointer<Float>(bitPattern: recycled) {
            return Storage(pointer: pointer, capacity: capacity)
        }
        guard let memory = aligned_alloc(64, capacity * 4) else {
            preconditionFailure("StoragePool.take: no memory for \(capacity * 4) bytes")
        }
        return Storage(pointer: memory.assumingMemoryBound(to: Float.self), capacity: capacity)
    }

    fileprivate static func recycle(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        shelves.withLock { $0.free[capacity, default: []].append(UInt(bitPattern: pointer)) }
    }

    /// Sizes come in eighths of a power of two, so that a shelf serves many shapes and wastes at most an eighth.
    private static func roundedCapacity(_ count: Int) -> Int {
        if count <= 64 { return 64 }
        let step = max(16, 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount - 3 - 1))
        return (count + step - 1) / step * step
    }
}
