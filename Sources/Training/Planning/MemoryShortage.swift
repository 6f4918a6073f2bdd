import Datasets

/// A launch that would not fit into the machine.
package struct MemoryShortage: Error, Sendable, Equatable, CustomStringConvertible {
    /// The ranks of one machine, and what each needs, bytes.
    package let ranks: Int, rankBytes: Int
    /// What the machine has, bytes.
    package let machineBytes: Int

    /// Nil where so many ranks fit.
    package init?(ranks: Int, rankBytes: Int, machineBytes: Int) {
        guard ranks * rankBytes > machineBytes else { return nil }
        (self.ranks, self.rankBytes, self.machineBytes) = (ranks, rankBytes, machineBytes)
    }

    package var description: String {
        "\(ranks) ranks of about \(rankBytes >> 20) MiB each need \(ranks * rankBytes >> 20) MiB, and the machine has "
            + "\(machineBytes >> 20) MiB: use fewer ranks, smaller shards (a smaller batch or more shards) or bfloat16; "
            + "if that is wrong, set launch.memoryGiB"
    }
}

extension LaunchConfiguration {
    /// The bytes of memory that the ranks of this machine may use together; nil where nobody knows.
    package var memoryBytes: Int? {
        memoryGiB > 0 ? Int(memoryGiB * Double(1 << 30)) : MachineMemory.byteCount
    }
}

extension RunConfiguration {
    /// Reads the data set, and returns the bytes that its images take in memory. Throws a `DatasetError` or a `DataMismatch`.
    package func loadedDataBytes() throws -> Int { 4 * (try data.load(network).pixels.count) }

    /// The bytes that a rank is predicted to need: see `MemoryForecast`. Throws a `MemoryShortage` if `ranks` of a launch,
    /// all on this machine, need more together than it has. `dataBytes` is the size of the data set in memory. Networks in
    /// bfloat16 count as float32 where this processor has no instructions for it.
    @discardableResult
    package func checkMemory(ranksHere ranks: Int, dataBytes: Int) throws(MemoryShortage) -> Int {
        let rankBytes = MemoryForecast(onThisProcessor, ranks: launch.ranks, dataBytes: dataBytes).total
        if let machineBytes = launch.memoryBytes,
            let shortage = MemoryShortage(ranks: ranks, rankBytes: rankBytes, machineBytes: machineBytes)
        {
            throw shortage
        }
        return rankBytes
    }
}
