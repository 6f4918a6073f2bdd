import Communication

extension Communicator {
    /// The numbers of all ranks, in rank order, on rank 0, and an empty array elsewhere. Collective.
    func gather(values: [Double]) throws(CommunicationError) -> [[Double]] {
        try gather(words: values.map(\.bitPattern)).map { $0.map(Double.init(bitPattern:)) }
    }

    /// The words of all ranks, in rank order, on rank 0, and an empty array elsewhere. Collective.
    func gather(words: [UInt64]) throws(CommunicationError) -> [[UInt64]] {
        let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        return try gather(bytes).map { bytes in
            stride(from: 0, to: bytes.count, by: 8).map { start in
                (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << (8 * UInt64($1)) }
            }
        }
    }
}
