import Tensors
import Testing

@Suite struct RandomStreamTests {
    private let stream = RandomStream(seed: 1, purpose: .teacherNoise)

    /// A counter, a key and the words they give.
    struct KnownAnswer: Sendable {
        let counter: SIMD4<UInt32>, key: SIMD2<UInt32>, words: SIMD4<UInt32>
    }

    /// From Random123's published `kat_vectors`, `philox4x32 10`.
    @Test(
        "Philox gives the published words",
        arguments: [
            KnownAnswer(
                counter: .zero, key: .zero, words: SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
            KnownAnswer(
                counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max),
                words: SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
            KnownAnswer(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
                key: SIMD2(0xa409_3822, 0x299f_31d0),
                words: SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)),
        ])
    func knownAnswers(answer: KnownAnswer) {
        #expect(RandomStream.philox(answer.counter, key: answer.key) == answer.words)
    }

    @Test("Seed, purpose, step and sample mean the same draws for ever")
    func definition() {
        let draws = normals(20, step: 7, sample: 3)
        // Computed from the definition in double precision by another program; a change breaks every resumed run.
        let expected: [Float] = [1.096885, -1.636673, -0.159567, -0.870877, -0.039453, 1.157936, 1.293409, 1.182164]
        #expect(zip(draws[..<4] + draws[16...], expected).allSatisfy { abs($0 - $1) < 2e-6 })
        #expect(RandomStream(seed: 1, purpose: .teacherSigma).uniform(step: 7, sample: 3) == 0.501_426_46)
    }

    @Test("Normal numbers have the moments and the tail of the normal distribution")
    func normalMoments() {
        let count = 200_000
        let x = normals(count).map(Double.init)
        func mean(_ term: (Double) -> Double) -> Double { x.reduce(0) { $0 + term($1) } / Double(count) }
        // Four standard errors each: sqrt(var / n) with var = 1, 2, 15 and 96 for the first four moments.
        let error = 4 / Double(count).squareRoot()
        #expect(abs(mean { $0 }) < error)
        #expect(abs(mean { $0 * $0 } - 1) < error * 2.squareRoot())
        #expect(abs(mean { $0 * $0 * $0 }) < error * 15.squareRoot())
        #expect(abs(mean { $0 * $0 * $0 * $0 } - 3) < error * 96.squareRoot())
        for (bound, share) in [(1.0, 0.317_310_5), (2, 0.045_500_3), (3, 0.002_699_8), (4, 6.334e-5)] {
            #expect(abs(mean { abs($0) > bound ? 1 : 0 } - share) < error * share.squareRoot(), "beyond \(bound)")
        }
        #expect(x.allSatisfy { abs($0) < 5.78 }, "Box and Muller from 2^-24 on reach no further")
    }

    @Test("A shorter draw is the beginning of a longer one", arguments: [1, 15, 16, 17, 33])
    func prefix(count: Int) {
        #expect(normals(count) == Array(normals(100)[..<count]))
    }

    @Test("A sample's draws do not depend on which samples are drawn with it")
    func split() {
        let all = stream.normal(Shape(4, 3, 5), step: 2, firstSample: 8)
        let last = stream.normal(Shape(2, 3, 5), step: 2, firstSample: 10)
        #expect(all.samples(2..<4).elements == last.elements)
    }

    @Test("Seeds, purposes, steps and samples make streams without relation")
    func independence() {
        let others = [
            normals(10_000, RandomStream(seed: 2, purpose: .teacherNoise)),
            normals(10_000, RandomStream(seed: 1, purpose: .studentNoise)),
            normals(10_000, RandomStream(seed: 1, purpose: .teacherNoise, draw: 1)),
            normals(10_000, step: 1), normals(10_000, sample: 1), normals(10_000, step: 1 << 32),
            normals(10_000, sample: 1 << 32),
        ]
        let reference = normals(10_000)
        for (place, other) in others.enumerated() {
            // The correlation of independent numbers is normal with deviation 1 / sqrt(n).
            let correlation = zip(reference, other).reduce(0) { $0 + Double($1.0) * Double($1.1) } / 10_000
            #expect(abs(correlation) < 4.0 / 100, "stream \(place)")
        }
    }

    @Test("Integers are uniform over their range, both ends included")
    func integers() {
        var counts = [Int](repeating: 0, count: 10)
        for sample in 0..<10_000 { counts[stream.integer(in: -3...6, step: 0, sample: sample) + 3] += 1 }
        // Chi squared of nine degrees of freedom is above 28 once in a thousand.
        let chiSquared = counts.reduce(0.0) { $0 + Double(($1 - 1000) * ($1 - 1000)) / 1000 }
        #expect(chiSquared < 28)
        #expect(stream.integer(in: 5...5, step: 0, sample: 0) == 5)
        #expect((20...980).contains(stream.integer(in: 20...980, step: 1, sample: 1)))
    }

    @Test("Uniform numbers stay below 1 and have the right mean and variance")
    func uniforms() {
        let count = 20_000.0
        let x = (0..<Int(count)).map { Double(stream.uniform(step: 0, sample: $0)) }
        #expect(x.allSatisfy { (0..<1).contains($0) })
        let mean = x.reduce(0, +) / count
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        // Four standard errors: sqrt(1/12 / n) and sqrt(1/180 / n).
        #expect(abs(mean - 0.5) < 4 * (1 / 12 / count).squareRoot())
        #expect(abs(variance - 1.0 / 12) < 4 * (1 / 180 / count).squareRoot())
    }

    private func normals(_ count: Int, _ stream: RandomStream? = nil, step: Int = 0, sample: Int = 0) -> [Float] {
        var result = [Float](repeating: 0, count: count)
        result.withUnsafeMutableBufferPointer { (stream ?? self.stream).normal(into: $0, step: step, sample: sample) }
        return result
    }
}
