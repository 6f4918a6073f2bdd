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
        ProcFile.read("/proc/self/statm") { text in
            let fields = text.split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard fields.count > 1 else { return nil }
            let pages = fields[1].reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        } ?? 0
    }
}
