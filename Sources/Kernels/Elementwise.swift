/// Loops over flat buffers. Every function takes the element count last; buffers may not overlap unless said otherwise.
package enum Elementwise {
    /// Applies `body` to whole vectors and then once to the tail, padded with zeros.
    @inline(__always)
    private static func map(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>, _ count: Int,
        _ body: (Lanes, Lanes) -> Lanes
    ) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forRanges(count) { range in
            var index = range.lowerBound
            while index + 16 <= range.upperBound {
                result.store(body(a.lanes(index), b.lanes(index)), index)
                index += 16
            }
            let rest = range.upperBound - index
            if rest > 0 {
                let value = body(
                    VectorMath.load(a + index, count: rest), VectorMath.load(b + index, count: rest))
                VectorMath.store(value, result + index, count: rest)
            }
        }
    }

    /// `result = a + b`; `result` may be `a` or `b`.
    package static func add(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
    ) {
        map(a, b, result, count) { $0 + $1 }
    }

    /// `result = factor a`; `result` may be `a`.
    package static func scale(
        _ a: UnsafePointer<Float>, by factor: Float, into result: UnsafeMutablePointer<Float>, count: Int
    ) {
        map(a, a, result, count) { value, _ in value * factor }
    }

    /// `result = silu(x)`.
    package static func silu(_ x: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int) {
        map(x, x, result, count) { value, _ in VectorMath.silu(value) }
    }

    /// `result = gradient * silu'(x)`.
    package static func siluBackward(
        _ x: UnsafePointer<Float>, gradient: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
    ) {
        map(x, gradient, result, count) { value, gradient in gradient * VectorMath.siluDerivative(value) }
    }

    /// `result[n] = factors[n] * x[n]` for `samples` runs of `count` elements each; `result` may be `x`.
    package static func scaleSamples(
        _ x: UnsafePointer<Float>, factors: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>,
        samples: Int, count: Int
    ) {
        for n in 0..<samples { scale(x + n * count, by: factors[n], into: result + n * count, count: count) }
    }

    /// `result[n] = a[n] x[n] + b[n] y[n]` for `samples` runs of `count` elements each; `result` may be `x` or `y`.
    package static func blendSamples(
        _ x: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>, samples: Int, count: Int
    ) {
        for n in 0..<samples {
            let (factorX, factorY) = (a[n], b[n])
            map(x + n * count, y + n * count, result + n * count, count) { $0 * factorX + $1 * factorY }
        }
    }
}
