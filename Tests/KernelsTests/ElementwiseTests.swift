import Kernels
import Testing

/// Below, at and above the width of a vector, and one past the grain of the thread pool.
private let counts = [1, 3, 7, 16, 17, 64, 65, 16_401]

@Suite struct ElementwiseTests {
    @Test("Sum and scaling are the float operations themselves", arguments: counts)
    func sumAndScale(count: Int) {
        let (a, b) = (numbers(count, seed: 1), numbers(count, seed: 2))
        var sum = a
        Elementwise.add(sum, b, into: &sum, count: count)
        #expect(sum == zip(a, b).map { $0 + $1 })
        var scaled = [Float](repeating: .nan, count: count)
        Elementwise.scale(a, by: -2.5, into: &scaled, count: count)
        #expect(scaled == a.map { $0 * -2.5 })
    }

    @Test("SiLU and its gradient equal the definition", arguments: counts)
    func silu(count: Int) {
        let (x, gradient) = (numbers(count, seed: 3).map { $0 * 20 }, numbers(count, seed: 4))
        var (y, dx) = (x, x)
        Elementwise.silu(x, into: &y, count: count)
        Elementwise.siluBackward(x, gradient: gradient, into: &dx, count: count)
        // Each a few roundings of 6e-8, relative to the value and, for the derivative, to x up to 20.
        #expect(largestError(y, x.map { plainSilu(Double($0)).value }) < 5e-7)
        #expect(largestError(dx, zip(x, gradient).map { plainSilu(Double($0)).derivative * Double($1) }) < 2e-6)
    }

    @Test("SiLU of huge arguments is finite, and right at both ends")
    func siluOfHugeArguments() {
        let x: [Float] = [-1e30, -200, -88, 0, 88, 200, 1e30]
        var y = x
        var slope = x
        Elementwise.silu(x, into: &y, count: x.count)
        Elementwise.siluBackward(x, gradient: x.map { _ in 1 }, into: &slope, count: x.count)
        #expect(y[1...2].allSatisfy { abs($0) < 1e-35 } && y[3...] == [0, 88, 200, 1e30])
        #expect(slope[1...2].allSatisfy { abs($0) < 1e-35 } && slope[3...] == [0.5, 1, 1, 1])
    }

    @Test("Each sample has factors of its own", arguments: [1, 16, 65])
    func perSample(count: Int) {
        let (x, z) = (numbers(3 * count, seed: 5), numbers(3 * count, seed: 6))
        let (a, b): ([Float], [Float]) = ([2, 0, -1], [0.5, 3, 0])
        var scaled = x
        Elementwise.scaleSamples(x, factors: a, into: &scaled, samples: 3, count: count)
        #expect(scaled == x.indices.map { a[$0 / count] * x[$0] })
        var blended = x
        Elementwise.blendSamples(x, a, z, b, into: &blended, samples: 3, count: count)
        #expect(blended == x.indices.map { a[$0 / count] * x[$0] + b[$0 / count] * z[$0] })
    }
}
