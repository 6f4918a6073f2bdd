import Glibc
import Kernels
import Testing

@Suite struct VectorMathTests {
    /// The largest of `error` over `count` arguments spread evenly over a range, sixteen at a time.
    private func largest(_ range: ClosedRange<Float>, count: Int = 16_000, _ error: (Lanes) -> Double) -> Double {
        let step = (range.upperBound - range.lowerBound) / Float(count)
        return stride(from: 0, to: count, by: 16).reduce(0) { worst, first in
            var x = Lanes.zero
            for lane in 0..<16 { x[lane] = range.lowerBound + Float(first + lane) * step }
            return max(worst, error(x))
        }
    }

    @Test("exp is right to 2 ulps where the result is a normal float")
    func exponential() {
        for range: ClosedRange<Float> in [-87...88, -1...1, -1e-3...1e-3] {
            let worst = largest(range) { x in
                let y = VectorMath.exp(x)
                return (0..<16).map { ulps(y[$0], Glibc.exp(Double(x[$0]))) }.max() ?? .infinity
            }
            #expect(worst < 2, "in \(range)")
        }
    }

    @Test("exp outside of its range is that of the nearest end, finite and positive")
    func exponentialOfHugeArguments() {
        let huge: [(Float, Float)] = [(-88, -87), (-.infinity, -87), (89, 88), (.infinity, 88)]
        for (argument, end) in huge {
            let value = VectorMath.exp(Lanes(repeating: argument))
            #expect(value == VectorMath.exp(Lanes(repeating: end)) && value[0].isNormal && value[0] > 0)
        }
    }

    @Test("log is right to 3 ulps, close to 1 as well")
    func logarithm() {
        for range: ClosedRange<Float> in [
            1e-30...1e-28, 0x1p-24...0x1p-20, 1e-3...0.999, 0.99...0.999_999_9, 1.000_01...3, 3...1e30,
        ] {
            let worst = largest(range) { x in
                let y = VectorMath.log(x)
                return (0..<16).map { ulps(y[$0], Glibc.log(Double(x[$0]))) }.max() ?? .infinity
            }
            #expect(worst < 3, "in \(range)")
        }
        #expect(VectorMath.log(Lanes(repeating: 1)) == .zero)
    }

    @Test("sin and cos of turns are right to 3e-7, and exact at the quarter turns")
    func sineAndCosine() {
        let worst = largest(0...0.999_999_94) { u in
            let (sin, cos) = VectorMath.sinCosOfTurns(u)
            return (0..<16).map {
                let angle = 2 * Double.pi * Double(u[$0])
                return max(abs(Double(sin[$0]) - Glibc.sin(angle)), abs(Double(cos[$0]) - Glibc.cos(angle)))
            }.max() ?? .infinity
        }
        #expect(worst < 3e-7)
        var quarters = Lanes.zero
        (quarters[1], quarters[2], quarters[3]) = (0.25, 0.5, 0.75)
        let (sin, cos) = VectorMath.sinCosOfTurns(quarters)
        #expect((0..<4).map { sin[$0] } == [0, 1, 0, -1] && (0..<4).map { cos[$0] } == [1, 0, -1, 0])
    }
}
