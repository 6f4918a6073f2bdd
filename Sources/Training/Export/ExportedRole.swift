/// A network that can leave a run.
package enum ExportedRole: String, Sendable, CaseIterable {
    case teacher, student, critic

    /// The stage that trains it.
    package var stage: String { self == .teacher ? "teacher" : "distil" }
}

/// Which of a network's sets of weights.
package enum ExportedValues: Sendable, Equatable {
    /// What the optimiser changes.
    case raw
    /// Its moving average.
    case average
    /// Another moving average, of `distil.emaFurtherDecays`.
    case furtherAverage(decay: Double)

    /// `raw`, `average`, `average-0.999`.
    package var name: String {
        switch self {
        case .raw: "raw"
        case .average: "average"
        case .furtherAverage(let decay): "average-\(decay)"
        }
    }
}
