import Communication

/// The laws of `Communicator`, checked on one rank of any implementation: the names of those broken.
func collectiveFaults(_ communicator: some Communicator) throws -> [String] {
    let (rank, size) = (communicator.rank, communicator.size)
    var faults: [String] = []
    func expect(_ holds: Bool, _ law: String) {
        if !holds { faults.append("rank \(rank) of \(size): \(law)") }
    }

    for root in 0..<size {
        let text = Array("the word of rank \(root)".utf8)
        expect(try communicator.broadcast(message: rank == root ? text : [], from: root) == text, "broadcast")
        expect(try communicator.broadcast(message: [], from: root) == [], "broadcast of nothing")
    }

    // Rank r owns r elements, so that rank 0 owns none.
    let counts = (0..<size).map { $0 }
    let owners = counts.flatMap { Array(repeating: Float($0), count: $0) }
    var gathered = owners.map { $0 == Float(rank) ? $0 : -1 }
    try withFloats(of: &gathered) { try communicator.allGather($0, counts: counts) }
    expect(gathered == owners, "all-gather")

    var sums = (0..<7).map { Float(rank * $0) }
    try withFloats(of: &sums) { try communicator.allReduceSum($0) }
    expect(sums == (0..<7).map { Float(size * (size - 1) / 2 * $0) }, "all-reduce")

    let messages = try communicator.gather(Array(repeating: UInt8(rank), count: rank * 3))
    let expected = rank == 0 ? (0..<size).map { Array(repeating: UInt8($0), count: $0 * 3) } : []
    expect(messages == expected, "gather")

    expect(try exchangedCorrectly(communicator), "exchange")
    try communicator.barrier()

    let entered = UInt8(clamping: communicator.collectives.count)
    expect(size == 1 || entered > 0, "operations are counted")
    let counted = try communicator.gather([entered])
    expect(counted.allSatisfy { $0 == [entered] }, "every rank has entered the same number of operations")
    return faults
}

/// Sends two messages to every other rank, of lengths that depend on both ends; every element tells where it is from.
private func exchangedCorrectly(_ communicator: some Communicator) throws -> Bool {
    let (rank, size) = (communicator.rank, communicator.size)
    func length(_ from: Int, _ to: Int, _ part: Int) -> Int { (from + 2 * to) * (part + 1) }
    func content(_ from: Int, _ to: Int, _ part: Int) -> Float { Float(100 * from + 10 * to + part) }

    var sending: [Transfer] = []
    var receiving: [Transfer] = []
    defer { for transfer in sending + receiving { transfer.values.deallocate() } }
    for peer in 0..<size where peer != rank {
        for part in 0..<2 {
            let outgoing = UnsafeMutableBufferPointer<Float>.allocate(capacity: length(rank, peer, part))
            outgoing.initialize(repeating: content(rank, peer, part))
            sending.append(Transfer(peer: peer, values: outgoing))
            let incoming = UnsafeMutableBufferPointer<Float>.allocate(capacity: length(peer, rank, part))
            incoming.initialize(repeating: -1)
            receiving.append(Transfer(peer: peer, values: incoming))
        }
    }
    try communicator.exchange(sending: sending, receiving: receiving)
    return receiving.enumerated().allSatisfy { number, transfer in
        transfer.values.allSatisfy { $0 == content(transfer.peer, rank, number % 2) }
    }
}

private func withFloats(
    of array: inout [Float], _ body: (UnsafeMutableBufferPointer<Float>) throws -> Void
) throws {
    try array.withUnsafeMutableBufferPointer { try body($0) }
}
