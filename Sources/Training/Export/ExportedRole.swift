/// A network that can leave a run.
package enum ExportedRole: String, Sendable, CaseIterable {
    case teacher, student, critic

    /// The stage that trains it.
    package var stage: String { self == .teacher ? "teacher" : "distil" }
}

/// Which of a network's two sets of weights: what the optimiser changes, or its moving average.
package enum ExportedValues: String, Sendable {
    case raw, average
}
