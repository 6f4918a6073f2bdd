import Synchronization

/// Memory that a call needs and leaves behind, lent from what earlier calls have left.
///
/// As many areas as there are calls at once, each as large as the largest that it has served; they are never given back.
/// Threading: any thread.
enum ScratchMemory {
    /// Alignment of an area, bytes: a page, as oneDNN's own.
    private static let alignment = 4096

    private struct Area: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
    }
    private static let free = Mutex<[Area]>([])

    /// Calls `body` with an area of at least so many bytes, whose contents are whatever they are.
    static func lend(byteCount: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
        let area = free.withLock { $0.popLast() }.flatMap { large($0, byteCount) } ?? allocate(byteCount)
        defer { free.withLock { $0.append(area) } }
        guard let start = area.memory.baseAddress else { preconditionFailure("ScratchMemory: no memory") }
        body(start)
    }

    /// The area, if it is large enough; one that is not is given up.
    private static func large(_ area: Area, _ byteCount: Int) -> Area? {
        guard area.memory.count < byteCount else { return area }
        area.memory.deallocate()
        return nil
    }

    private static func allocate(_ byteCount: Int) -> Area {
        Area(memory: .allocate(byteCount: max(byteCount, alignment), alignment: alignment))
    }
}
