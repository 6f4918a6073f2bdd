import Glibc

/// One axis of a plot: the range it spans, and round values to mark on it.
struct AxisScale: Equatable {
    /// How values are spaced.
    enum Kind: Sendable { case linear, logarithmic }

    let kind: Kind
    /// The values at the two ends.
    let range: ClosedRange<Double>
    /// Round values inside the range, ascending.
    let ticks: [Double]

    /// An axis for values between `low` and `high`, both positive for a logarithmic one.
    ///
    /// With `roundingOut` the range grows to the next round values, and so begins and ends at a tick.
    init(kind: Kind, from low: Double, to high: Double, roundingOut: Bool) {
        self.kind = kind
        let candidates: [Double]
        switch kind {
        case .linear:
            // Equal ends would leave nothing to divide by.
            let margin = low == high ? max(abs(low), 1) / 2 : 0
            candidates = Self.linearTicks(from: low - margin, to: high + margin)
        case .logarithmic:
            precondition(low > 0, "a logarithmic axis from \(low)")
            candidates = Self.logarithmicTicks(from: low, to: high)
        }
        range = roundingOut || low == high ? candidates[0]...candidates[candidates.count - 1] : low...high
        let inside = range
        ticks = candidates.filter(inside.contains)
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    func position(of value: Double) -> Double {
        switch kind {
        case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        case .logarithmic: log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
        }
    }

    /// Multiples of 1, 2 or 5 times a power of ten that reach from `low` or below to `high` or above, about five.
    private static func linearTicks(from low: Double, to high: Double) -> [Double] {
        let roughStep = (high - low) / 5
        let power = pow(10, log10(roughStep).rounded(.down))
        let step = power * ([1, 2, 5].first { $0 * power >= roughStep * 0.99 } ?? 10)
        let first = Int((low / step + 1e-9).rounded(.down))
        let last = Int((high / step - 1e-9).rounded(.up))
        // Dividing by a whole number keeps 0.3 from becoming 0.30000000000000004.
        return (first...max(last, first + 1)).map { step < 1 ? Double($0) / (1 / step).rounded() : Double($0) * step }
    }

    /// The values 1, 2 and 5 times a power of ten around `low` to `high`; over more decades powers alone, or every few.
    private static func logarithmicTicks(from low: Double, to high: Double) -> [Double] {
        let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
        let steps = decades.count <= 4 ? [1.0, 2, 5] : [1.0]
        let stride = max(1, decades.count / 6)
        let all = decades.filter { ($0 - decades.lowerBound).isMultiple(of: stride) || $0 == decades.upperBound }
            .flatMap { decade in steps.map { $0 * pow(10, Double(decade)) } }
        let first = all.lastIndex { $0 <= low } ?? 0
        let last = all.firstIndex { $0 >= high && $0 > all[first] } ?? all.count - 1
        return Array(all[first...last])
    }
}
