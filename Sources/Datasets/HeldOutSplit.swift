/// The division of a data set into samples to learn from and samples to test with.
package struct HeldOutSplit: Sendable, Equatable {
    /// The samples to learn from, in ascending order.
    package let training: [Int]
    /// The samples to test with, in ascending order.
    package let heldOut: [Int]

    /// Holds out every `interval`-th of `count` samples, rounded up, in an order that only `seed` and `count` decide.
    package init(count: Int, holdingOutEvery interval: Int = 5, seed: UInt64) {
        precondition(interval > 1, "split: every \(interval)th sample held out leaves nothing")
        let permutation = KeyedPermutation(key: seed, count: count)
        let chosen = Set(stride(from: 0, to: count, by: interval).map { permutation[$0] })
        training = (0..<count).filter { !chosen.contains($0) }
        heldOut = chosen.sorted()
    }
}
