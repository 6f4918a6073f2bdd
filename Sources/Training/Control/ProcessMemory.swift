import Coordination
import Glibc
import Tensors

/// The memory of this process.
enum ProcessMemory {
    /// What the kernel and the pool of tensors say now.
    static var now: MemoryUse {
        MemoryUse(residentBytes: residentBytes, poolBytes: StoragePool.allocatedByteCount)
    }

    /// The second number of `/proc/self/statm`, which counts pages; 0 where that cannot be read.
    private static var residentBytes: Int {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { text in
            let count = read(file, text.baseAddress, text.count)
            guard count > 0 else { return 0 }
            let fields = text[..<count].split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard fields.count > 1 else { return 0 }
            let pages = fields[1].reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
    }
}
