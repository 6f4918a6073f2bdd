import Synchronization

/// How many operations of its group a rank has entered. All ranks enter the same ones in the same order, so of ranks that
/// stand still the one with the lowest count is the one that the others wait for.
///
/// Threading: the rank's thread counts, any thread reads.
package final class CollectiveCounter: Sendable {
    private let entered = Atomic<Int>(0)

    /// A rank that has entered none.
    package init() {}

    /// Operations entered so far, the one under way among them.
    package var count: Int { entered.load(ordering: .relaxed) }

    /// The rank enters an operation.
    func enter() { entered.add(1, ordering: .relaxed) }
}
