/// A fixed block of `Float`s on a cache line's boundary. The pages are the system's to provide on first use.
final class FloatBuffer {
    let elements: UnsafeMutableBufferPointer<Float>

    init(count: Int) {
        let cacheLine = 64
        let base = UnsafeMutableRawPointer.allocate(
            byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: cacheLine)
        elements = UnsafeMutableBufferPointer(start: base.bindMemory(to: Float.self, capacity: count), count: count)
    }

    deinit { UnsafeMutableRawPointer(elements.baseAddress)?.deallocate() }
}
