/// A collective operation that could not be completed. The group cannot be used afterwards.
package struct CommunicationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was attempted, such as `broadcast`.
    package var operation: String
    /// The rank on which it failed.
    package var rank: Int
    /// The number of ranks in the group; 0 when it failed before that was known.
    package var size: Int
    /// The message-passing library's own words.
    package var reason: String

    /// Makes an error from its parts.
    package init(operation: String, rank: Int, size: Int, reason: String) {
        self.operation = operation
        self.rank = rank
        self.size = size
        self.reason = reason
    }

    /// One line: what failed, where, why, and what to do next.
    package var description: String {
        let place = size == 0 ? "before the ranks were known" : "on rank \(rank) of \(size)"
        return "\(operation) failed \(place): \(reason); "
            + "look for an earlier failure in the other ranks' logs, then start the run again, it resumes by itself"
    }
}
