/// How a set of points shares itself out over the modes of a known mixture.
package struct ModeCoverage: Sendable, Equatable {
    /// One mode: the weight it should have, its centre, and the standard deviation in each dimension.
    package struct Mode: Sendable, Equatable {
        package let weight: Double
        package let centre: [Double]
        package let deviation: Double

        package init(weight: Double, centre: [Double], deviation: Double) {
            (self.weight, self.centre, self.deviation) = (weight, centre, deviation)
        }
    }

    /// The share of all points, 0 to 1, that have this mode as their nearest.
    package let shares: [Double]
    /// Modes that have at least half the points within three deviations that their weight asks for.
    package let found: Int
    /// The largest |share - weight| / weight.
    package let worstWeightError: Double

    private static let radius = 3.0

    /// The coverage of points `[N, dimensions]`.
    ///
    /// Traps: without a mode or point, or if the count is no multiple of the dimensions.
    package init(of points: [Float], modes: [Mode]) {
        precondition(!modes.isEmpty && !points.isEmpty, "coverage of \(modes.count) modes by \(points.count) values")
        let dimensions = modes[0].centre.count
        precondition(points.count.isMultiple(of: dimensions), "\(points.count) values in points of \(dimensions)")
        var nearest = [Int](repeating: 0, count: modes.count)
        var close = nearest
        let count = points.count / dimensions
        for n in 0..<count {
            let distances = modes.map { mode in
                mode.centre.enumerated().reduce(0) { sum, coordinate in
                    let difference = Double(points[n * dimensions + coordinate.offset]) - coordinate.element
                    return sum + difference * difference
                }
            }
            var best = 0
            for index in distances.indices where distances[index] < distances[best] { best = index }
            nearest[best] += 1
            let reach = Self.radius * modes[best].deviation
            if distances[best] <= reach * reach { close[best] += 1 }
        }
        shares = nearest.map { Double($0) / Double(count) }
        found = zip(close, modes).count { Double($0) >= $1.weight * Double(count) / 2 }
        worstWeightError = zip(shares, modes).map { abs($0 - $1.weight) / $1.weight }.max() ?? 0
    }
}
