import Foundation

/// Relative errors of a run against a fixture: the worst of each kind, and every one above its tolerance.
struct Comparison {
    /// What is compared, with the tolerance that float32 in another order of summation meets.
    enum Kind: String, CaseIterable {
        case images, losses, gradients, weights
        /// Denoised images of a network that computes in bfloat16.
        case bfloat16

        /// Images and gradients: share of the L2 norm; losses: share of the value; weights: share of the distance
        /// lr · iterations · √elements that AdamW can move a tensor.
        var tolerance: Double {
            switch self {
            case .images, .losses: 2e-5
            case .gradients: 2e-4
            case .weights: 0.05
            case .bfloat16: 0.01
            }
        }
    }

    private(set) var count = 0
    private(set) var failures: [String] = []
    private var worst: [Kind: (error: Double, name: String)] = [:]

    /// Compares all elements: |got - expected| / |expected|, L2 norms.
    mutating func check(_ kind: Kind, _ name: String, _ got: [Double], _ expected: [Double]) {
        guard got.count == expected.count else {
            failures.append("\(name): \(got.count) elements, expected \(expected.count)")
            return
        }
        let difference = zip(got, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        check(kind, name, difference: difference, unit: expected.reduce(0) { $0 + $1 * $1 }.squareRoot())
    }

    /// Compares two numbers; a value that we or the fixture lack fails.
    mutating func check(_ kind: Kind, _ name: String, _ got: (some BinaryFloatingPoint)?, _ expected: Double?) {
        guard let got, let expected else {
            if got != nil || expected != nil { failures.append("\(name): only one side has it") }
            return
        }
        check(kind, name, difference: abs(Double(got) - expected), unit: abs(expected))
    }

    /// Notes one error, in units of `unit`.
    mutating func check(_ kind: Kind, _ name: String, difference: Double, unit: Double) {
        count += 1
        let error = difference == 0 ? 0 : difference / unit
        if !(error <= kind.tolerance) {
            failures.append("\(name): \(kind.rawValue) error \(error) above \(kind.tolerance)")
        }
        if !(error <= worst[kind]?.error ?? -1) { worst[kind] = (error, name) }
    }

    /// One line: the number of comparisons and the worst error of each kind with its place.
    var summary: String {
        let parts = Kind.allCases.compactMap { kind in
            worst[kind].map { "\(kind.rawValue) \(rounded($0.error)) of \(rounded(kind.tolerance)) at \($0.name)" }
        }
        return "\(count) comparisons, worst errors of allowed: " + parts.joined(separator: "; ")
    }

    private func rounded(_ error: Double) -> String { String(format: "%.1e", error) }
}
