/// A fixed group of processes (or threads) that exchange large buffers.
///
/// Every operation but `abort` is collective: all ranks call the same operations in the same order, with sizes that
/// agree, or the group waits for ever. No operation allocates in proportion to its data, except `gather`.
/// Threading: one thread per rank, the one that made the communicator.
package protocol Communicator: AnyObject {
    /// This process's number, in `0..<size`.
    var rank: Int { get }

    /// The number of processes.
    var size: Int { get }

    /// The operations that this rank has entered.
    var collectives: CollectiveCounter { get }

    /// Returns when every rank has called it.
    func barrier() throws(CommunicationError)

    /// Copies `bytes` of rank `root` over `bytes` of every other rank. The count is the same on all ranks.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(CommunicationError)

    /// Completes a vector of which each rank holds one part.
    ///
    /// Rank r's part has `counts[r]` elements and follows the parts of the ranks before it. `counts` is the same on
    /// all ranks and adds up to `values.count`. On return every rank has every part; its own is left in place.
    func allGather(_ values: UnsafeMutableBufferPointer<Float>, counts: [Int]) throws(CommunicationError)

    /// Sends and receives any number of buffers, all at once: an all-to-all with a free layout and no packing.
    ///
    /// The k-th transfer that rank a sends to rank b fills the k-th transfer that b receives from a; their counts are
    /// equal. Returns when all are complete. Traps on a transfer with oneself.
    func exchange(sending: [Transfer], receiving: [Transfer]) throws(CommunicationError)

    /// Replaces `values` by their element-wise sum over all ranks. The order of summation is not specified, but every
    /// rank gets the same bits.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CommunicationError)

    /// Returns the bytes of all ranks, in rank order, on rank 0, and an empty array elsewhere. Counts may differ.
    func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]]

    /// Leaves the group in good order; the last call.
    func finish() throws(CommunicationError)

    /// Ends every process of the group at once with exit status `code`. Not collective.
    func abort(code: Int32) -> Never
}

/// One buffer on its way to, or expected from, another rank. Whoever makes it keeps the memory alive.
package struct Transfer {
    /// The other rank.
    package var peer: Int
    /// The elements to read (sending) or to overwrite (receiving).
    package var values: UnsafeMutableBufferPointer<Float>

    /// Makes a transfer of `values` with rank `peer`.
    package init(peer: Int, values: UnsafeMutableBufferPointer<Float>) {
        self.peer = peer
        self.values = values
    }
}

extension Communicator {
    /// Copies `values` of rank `root` over `values` of every other rank. The count is the same on all ranks.
    package func broadcast(
        _ values: UnsafeMutableBufferPointer<Float>, from root: Int
    ) throws(CommunicationError) {
        try broadcast(UnsafeMutableRawBufferPointer(values), from: root)
    }

    /// Returns rank `root`'s message on every rank. Only the root need know its length; what the others pass is unused.
    package func broadcast(message: [UInt8], from root: Int) throws(CommunicationError) -> [UInt8] {
        var byteCount = Int64(message.count)
        try withBytes(of: &byteCount) { (bytes) throws(CommunicationError) in try broadcast(bytes, from: root) }
        var result = rank == root ? message : [UInt8](repeating: 0, count: Int(byteCount))
        try withBytes(of: &result) { (bytes) throws(CommunicationError) in try broadcast(bytes, from: root) }
        return result
    }
}
