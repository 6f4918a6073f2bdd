/// `distil.ratio`: critic updates per student update.
package enum UpdateRatio: Sendable, Equatable, ExpressibleByIntegerLiteral {
    /// This number, until a person changes it.
    case fixed(Int)
    /// Found while training: the smallest at which the critic keeps up. It starts at 1.
    case automatic

    package init(integerLiteral value: Int) { self = .fixed(value) }

    /// The ratio of the first steps.
    package var first: Int {
        switch self {
        case .fixed(let ratio): ratio
        case .automatic: 1
        }
    }

    /// A ratio to reckon with where only one will do, such as the length of a cycle: the paper's, if it is automatic.
    package var typical: Int {
        switch self {
        case .fixed(let ratio): ratio
        case .automatic: 5
        }
    }
}
