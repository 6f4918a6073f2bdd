import Glibc

/// A group of one: a process that was not started by `mpirun`. Nothing is copied and nothing fails.
package final class SelfCommunicator: Communicator {
    /// Always 0.
    package let rank = 0
    /// Always 1.
    package let size = 1
    /// Counts nothing: nobody waits for the only rank.
    package let collectives = CollectiveCounter()

    /// Makes the group.
    package init() {}

    /// Returns at once.
    package func barrier() {}

    /// Leaves `bytes` as they are.
    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}

    /// Leaves `values`, all of which is this rank's own part, as it is.
    package func allGather(_ values: UnsafeMutableBufferPointer<Float>, counts: [Int]) {}

    /// Traps if there is anything to exchange: there is nobody to exchange it with.
    package func exchange(sending: [Transfer], receiving: [Transfer]) {
        precondition(
            sending.isEmpty && receiving.isEmpty,
            "exchange: \(sending.count) sent and \(receiving.count) received in a group of one")
    }

    /// Leaves `values` as they are.
    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) {}

    /// Returns `bytes` alone.
    package func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }

    /// Does nothing: there is nobody to leave.
    package func finish() {}

    /// Ends the process with exit status `code`.
    package func abort(code: Int32) -> Never { exit(code) }
}
