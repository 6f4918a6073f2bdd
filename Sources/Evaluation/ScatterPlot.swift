/// A picture of sets of points in the plane, side by side: darker where there are more.
package struct ScatterPlot: Sendable {
    /// The pixels of a panel's side.
    package var side = 320
    /// The coordinates that a panel shows run from minus to plus this.
    package var reach: Float = 1.2

    package init() {}

    /// Draws each set `[N, 2]` in a panel of its own; the second coordinate points up. Points outside are left out.
    ///
    /// Traps: without a set, or if a count is odd.
    package func draw(_ sets: [[Float]]) -> Raster {
        precondition(!sets.isEmpty, "a scatter plot of 0 sets")
        let margin = 8
        let (width, height) = (sets.count * (side + margin) + margin, side + 2 * margin)
        var sheet = Raster(
            width: width, height: height, channels: 1, samples: [UInt8](repeating: 208, count: width * height))
        for (index, points) in sets.enumerated() {
            precondition(points.count.isMultiple(of: 2), "a scatter plot of \(points.count) numbers in pairs")
            let left = margin + index * (side + margin)
            for (row, line) in panel(points).enumerated() {
                sheet.samples.replaceSubrange(
                    (margin + row) * width + left..<(margin + row) * width + left + side, with: line)
            }
        }
        return sheet
    }

    /// The rows of a panel: every point darkens a square of 3 x 3 pixels by a third of what is left of white.
    private func panel(_ points: [Float]) -> [[UInt8]] {
        var rows = [[Float]](repeating: [Float](repeating: 1, count: side), count: side)
        func pixel(_ coordinate: Float) -> Int? {
            let place = (coordinate / reach + 1) / 2 * Float(side)
            return place >= 0 && place < Float(side) ? Int(place) : nil
        }
        for n in stride(from: 0, to: points.count, by: 2) {
            guard let x = pixel(points[n]), let y = pixel(-points[n + 1]) else { continue }
            for row in max(0, y - 1)...min(side - 1, y + 1) {
                for column in max(0, x - 1)...min(side - 1, x + 1) { rows[row][column] *= 2 / 3 }
            }
        }
        return rows.map { $0.map { UInt8(sampleOf: 2 * $0 - 1) } }
    }
}
