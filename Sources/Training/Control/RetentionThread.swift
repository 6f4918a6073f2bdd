package import Checkpoints
import Foundation

/// Removes outdated checkpoints beside everything else, one publication after the other: what stays is read and hashed
/// first, which takes its time.
package final class RetentionThread: Sendable {
    private let queue = DispatchQueue(label: "retention", qos: .utility)

    package init() {}

    /// Applies the store's policy after a checkpoint has been published and written down. Older ones that turn out to be
    /// damaged are told. So is a failure: what could not be removed now will be after the next publication.
    package func removeOutdated(
        after step: Int, generation: Int, in store: CheckpointStore, telling: @escaping @Sendable (String) -> Void
    ) {
        queue.async {
            do {
                for rejected in try store.removeOutdated(after: step, generation: generation) {
                    telling("\(rejected)")
                }
            } catch {
                telling("older checkpoints stay: \(error)")
            }
        }
    }

    /// Returns when all that was asked for before has been done.
    package func finish() { queue.sync {} }
}
