/// The memory of a rank's process.
package struct MemoryUse: Codable, Equatable, Sendable {
    /// What is in physical memory, bytes.
    package var residentBytes: Int
    /// What the pool of tensors has taken from the system, in use or waiting, bytes; constant after the first steps.
    package var poolBytes: Int

    /// Creates a measurement; see the properties for the meaning of each argument.
    package init(residentBytes: Int, poolBytes: Int) {
        self.residentBytes = residentBytes
        self.poolBytes = poolBytes
    }
}

extension Heartbeat {
    /// The rank's memory as rows for the journal, by the last completed step: `memory.resident.RANK` and
    /// `memory.pool.RANK`, bytes. None before the first step.
    package func memoryRows(rank: Int) -> [MetricRow] {
        guard let memory, step > 0 else { return [] }
        return [("resident", memory.residentBytes), ("pool", memory.poolBytes)].map { name, bytes in
            MetricRow(stage: stage, step: step - 1, name: "memory.\(name).\(rank)", value: Double(bytes))
        }
    }
}
