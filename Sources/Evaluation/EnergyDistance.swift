/// The energy distance between two sets of points: 0 for equal distributions alone, and in units of length.
///
/// Formula: 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo 2013, equation 2.1), each mean over all pairs, a point
/// with itself among them. So it is never negative, and two sets of m and n points of one distribution have, in the mean,
/// (1/m + 1/n) E|X - X'|: what a distance is to be compared with.
package struct EnergyDistance: Sendable {
    private let reference: [Float]
    private let dimensions: Int
    private let spread: Double

    /// Distances to `reference`, `[n, dimensions]`, whose own pairs are gone through once.
    ///
    /// Traps: if the count is no positive multiple of the dimensions.
    package init(to reference: [Float], dimensions: Int) {
        precondition(
            !reference.isEmpty && reference.count.isMultiple(of: dimensions),
            "energy distance: \(reference.count) values in points of \(dimensions)")
        (self.reference, self.dimensions) = (reference, dimensions)
        spread = Self.meanDistance(reference, reference, dimensions)
    }

    /// The distance of the points `[m, dimensions]`.
    ///
    /// Traps: if the count is no positive multiple of the dimensions.
    package func of(_ points: [Float]) -> Double {
        precondition(
            !points.isEmpty && points.count.isMultiple(of: dimensions),
            "energy distance: \(points.count) values in points of \(dimensions)")
        let across = Self.meanDistance(points, reference, dimensions)
        // Rounding may leave a tiny negative number where the sets are equal.
        return max(0, 2 * across - Self.meanDistance(points, points, dimensions) - spread)
    }

    private static func meanDistance(_ first: [Float], _ second: [Float], _ dimensions: Int) -> Double {
        var total = 0.0
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                for a in stride(from: 0, to: first.count, by: dimensions) {
                    var rowTotal: Float = 0
                    for b in stride(from: 0, to: second.count, by: dimensions) {
                        var squares: Float = 0
                        for index in 0..<dimensions {
                            let difference = first[a + index] - second[b + index]
                            squares += difference * difference
                        }
                        rowTotal += squares.squareRoot()
                    }
                    total += Double(rowTotal)
                }
            }
        }
        let pairs = Double(first.count / dimensions) * Double(second.count / dimensions)
        return total / pairs
    }
}
