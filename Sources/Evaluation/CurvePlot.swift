import Foundation

/// Draws one curve of a report as an inline SVG with its legend.
///
/// A series of many points is cut into buckets of neighbours: a line joins their means, and a pale band spans their
/// extremes, so noise stays visible without hiding the trend.
struct CurvePlot {
    /// Neighbouring points, summed up.
    private struct Bucket {
        let x, low, mean, high: Double

        init(_ points: ArraySlice<(x: Double, y: Double)>) {
            let count = Double(points.count)
            x = points.reduce(0) { $0 + $1.x } / count
            mean = points.reduce(0) { $0 + $1.y } / count
            low = points.reduce(.infinity) { min($0, $1.y) }
            high = points.reduce(-.infinity) { max($0, $1.y) }
        }
    }

    private struct Line {
        let name: String
        let colour: Int
        let buckets: [Bucket]
        let isSummary: Bool
        let ends: [Double]
    }

    private static let maximumBuckets = 160
    /// Up to so many points are marked with a dot each: they were measured rarely, and one alone has no line.
    private static let maximumDots = 24
    private static let size = (width: 560.0, height: 280.0)
    private static let margin = (left: 58.0, right: 14.0, top: 10.0, bottom: 40.0)
    private static let plot = (
        width: size.width - margin.left - margin.right, height: size.height - margin.top - margin.bottom
    )

    private let curve: ReportContents.Curve
    private let lines: [Line]

    init(_ curve: ReportContents.Curve) {
        self.curve = curve
        lines = curve.series.enumerated().compactMap { index, series in
            let points = series.points.filter { point in
                point.x.isFinite && point.y.isFinite && (curve.scale == .linear || point.y > 0)
            }
            guard !points.isEmpty else { return nil }
            let perBucket = (points.count + Self.maximumBuckets - 1) / Self.maximumBuckets
            let buckets = stride(from: 0, to: points.count, by: perBucket).map { start in
                Bucket(points[start..<min(points.count, start + perBucket)])
            }
            return Line(
                name: series.name, colour: index % 6, buckets: buckets, isSummary: perBucket > 1,
                ends: [points[0].x, points[points.count - 1].x])
        }
    }

    /// The figure: title, plot, legend.
    var markup: Markup {
        let note = curve.scale == .logarithmic ? " (logarithmic)" : ""
        return """
            <figure class="curve">
            <figcaption>\(curve.title)<span class="quiet">\(note)</span></figcaption>
            \(lines.isEmpty ? "<p class=\"quiet\">no points yet</p>" : drawing)
            <ul class="legend">\(lines.map(legendEntry))</ul>
            </figure>
            """
    }

    private func legendEntry(_ line: Line) -> Markup {
        let last = line.buckets.last.map { NumberText.figure($0.mean) } ?? ""
        return "<li class=\"c\(line.colour)\"><i></i>\(line.name) <b>\(last)</b></li>"
    }

    private var drawing: Markup {
        // The means set the vertical range: a band that leaves it is cut, so that one outlier flattens nothing.
        let x = lines.flatMap(\.ends)
        let y = lines.flatMap { $0.buckets.map(\.mean) }
        let horizontal = AxisScale(kind: .linear, from: x.min() ?? 0, to: x.max() ?? 1, roundingOut: false)
        let vertical = AxisScale(
            kind: curve.scale == .linear ? .linear : .logarithmic, from: y.min() ?? 1, to: y.max() ?? 1,
            roundingOut: true)
        return """
            <svg viewBox="0 0 \(Int(Self.size.width)) \(Int(Self.size.height))" role="img" aria-label="\(curve.title)">
            \(vertical.ticks.map { horizontalRule($0, vertical) })
            \(horizontal.ticks.map { verticalTick($0, horizontal) })
            <text class="label" x="\(number(Self.margin.left + Self.plot.width / 2))" y="\
            \(number(Self.size.height - 4))" text-anchor="middle">\(curve.horizontal)</text>
            \(clip)
            \(lines.map { shapes($0, horizontal, vertical) })
            </svg>
            </svg>
            """
    }

    /// The start of the inner drawing, which cuts what leaves the plot but for half a dot's width at its edges.
    private var clip: Markup {
        let edge = 4.0
        let size = (width: number(Self.plot.width + 2 * edge), height: number(Self.plot.height + 2 * edge))
        return """
            <svg x="\(number(Self.margin.left - edge))" y="\(number(Self.margin.top - edge))" width="\(size.width)" \
            height="\(size.height)" viewBox="\(number(-edge)) \(number(-edge)) \(size.width) \(size.height)">
            """
    }

    private func horizontalRule(_ value: Double, _ axis: AxisScale) -> Markup {
        let y = Self.margin.top + (1 - axis.position(of: value)) * Self.plot.height
        return """
            <line class="rule" x1="\(number(Self.margin.left))" x2="\(number(Self.margin.left + Self.plot.width))" \
            y1="\(number(y))" y2="\(number(y))"/>\
            <text x="\(number(Self.margin.left - 8))" y="\(number(y + 4))" text-anchor="end">\
            \(NumberText.round(value))</text>
            """
    }

    private func verticalTick(_ value: Double, _ axis: AxisScale) -> Markup {
        let x = Self.margin.left + axis.position(of: value) * Self.plot.width
        let bottom = Self.margin.top + Self.plot.height
        return """
            <line class="tick" x1="\(number(x))" x2="\(number(x))" y1="\(number(bottom))" y2="\(number(bottom + 4))"/>\
            <text x="\(number(x))" y="\(number(bottom + 17))" text-anchor="middle">\(NumberText.round(value))</text>
            """
    }

    private func shapes(_ line: Line, _ horizontal: AxisScale, _ vertical: AxisScale) -> Markup {
        func path(_ buckets: [Bucket], _ value: (Bucket) -> Double) -> String {
            let points = buckets.map { bucket in
                let x = horizontal.position(of: bucket.x) * Self.plot.width
                let y = (1 - vertical.position(of: value(bucket))) * Self.plot.height
                return "\(number(x)),\(number(y))"
            }
            return points.joined(separator: " ")
        }
        let outline = path(line.buckets, \.high) + " " + path(line.buckets.reversed(), \.low)
        let band: Markup? = line.isSummary ? "<polygon points=\"\(outline)\"/>" : nil
        let dots = line.buckets.count <= Self.maximumDots ? line.buckets.map { dot($0, horizontal, vertical) } : []
        return "<g class=\"c\(line.colour)\">\(band)<polyline points=\"\(path(line.buckets, \.mean))\"/>\(dots)</g>"
    }

    private func dot(_ bucket: Bucket, _ horizontal: AxisScale, _ vertical: AxisScale) -> Markup {
        let x = number(horizontal.position(of: bucket.x) * Self.plot.width)
        let y = number((1 - vertical.position(of: bucket.mean)) * Self.plot.height)
        return "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"3\"/>"
    }

    /// A coordinate in tenths of a pixel: finer is not seen and costs bytes.
    private func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
