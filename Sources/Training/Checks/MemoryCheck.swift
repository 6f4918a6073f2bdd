import Coordination

/// Whether a launch fits into the memory of this machine.
package enum MemoryCheck {
    /// `needed` is predicted for the ranks here, `total` is what the machine, or `launch.memoryGiB`, has, and `available` what
    /// other programs leave of it, nil where that does not matter or is not known; bytes.
    package static func finding(ranks: Int, needed: Int, total: Int?, available: Int?) -> Finding {
        let name = "memory"
        let demand = "\(needed >> 20) MiB predicted for \(counted(ranks, "rank"))"
        guard let total else {
            return Finding(.skipped, name, "\(demand); the kernel does not say what the machine has")
        }
        let measured = "\(demand), of \(total >> 20) MiB" + (available.map { ", \($0 >> 20) MiB available now" } ?? "")
        let cure =
            "use fewer ranks, smaller shards (a smaller batch or more shards) or bfloat16; dmd2 plan shows the parts"
        if needed > total { return Finding(.failed, name, measured, advice: cure) }
        if let available, needed > available {
            return Finding(.warning, name, measured, advice: "end other programs, or \(cure)")
        }
        return Finding(.ok, name, measured)
    }
}
