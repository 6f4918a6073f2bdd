import Foundation

/// Numbers as people read them.
package enum NumberText {
    /// A count with its thousands set apart: 12,345.
    package static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        let grouped = digits.enumerated().map { index, digit in
            index > 0 && (digits.count - index).isMultiple(of: 3) ? ",\(digit)" : "\(digit)"
        }
        return (value < 0 ? "-" : "") + grouped.joined()
    }

    /// A value with about three significant digits: 0.0123, 1.06, 35.2, 1234; with an exponent only below 0.001.
    package static func figure(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
        let magnitude = Int(log10(abs(value)).rounded(.down))
        return magnitude < -3 ? String(format: "%.2e", value) : String(format: "%.\(max(2 - magnitude, 0))f", value)
    }

    /// A share or ratio with three decimals: 0.985.
    static func share(_ value: Double) -> String { String(format: "%.3f", value) }

    /// A duration: 8.4 s, 3 min 07 s, 2 h 05 min.
    static func duration(seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return switch whole {
        case ..<60: String(format: "%.1f s", seconds)
        case ..<3600: String(format: "%d min %02d s", whole / 60, whole % 60)
        default: String(format: "%d h %02d min", whole / 3600, whole / 60 % 60)
        }
    }

    /// A round number without trailing zeros: 35, 0.02, 1500, 1e-05.
    static func round(_ value: Double) -> String { String(format: "%g", value) }
}
