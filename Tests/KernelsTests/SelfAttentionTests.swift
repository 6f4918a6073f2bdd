import Glibc
import Kernels
import Testing

/// Self-attention and its gradient by their definition, in double precision.
private struct PlainAttention {
    private(set) var output: [Double]
    private(set) var gradient: [Double]

    init(_ s: AttentionCase, qkv: [Float], outputGradient: [Float]) {
        output = outputGradient.map { _ in 0 }
        gradient = qkv.map { _ in 0 }
        for n in 0..<s.samples {
            for head in 0..<s.heads {
                for row in 0..<s.pixels {
                    addRow(n, head, row, s, qkv.map(Double.init), outputGradient.map(Double.init))
                }
            }
        }
    }

    /// One query: its weights over the keys, its output, and what its gradient adds to q, k and v.
    private mutating func addRow(
        _ n: Int, _ head: Int, _ row: Int, _ s: AttentionCase, _ qkv: [Double], _ dy: [Double]
    ) {
        let scale = 1 / Double(s.headChannels).squareRoot()
        func place(_ pixel: Int, _ d: Int) -> Int { (n * s.pixels + pixel) * s.channels + head * s.headChannels + d }
        func part(_ pixel: Int, _ d: Int, _ kind: Int) -> Int {
            ((n * s.pixels + pixel) * 3 + kind) * s.channels + head * s.headChannels + d
        }
        func sum(_ term: (Int) -> Double) -> Double { (0..<s.headChannels).reduce(0) { $0 + term($1) } }
        let powers = (0..<s.pixels).map { t in exp(scale * sum { qkv[part(row, $0, 0)] * qkv[part(t, $0, 1)] })
        }
        let total = powers.reduce(0, +)
        let z = powers.map { $0 / total }
        let dz = (0..<s.pixels).map { t in sum { dy[place(row, $0)] * qkv[part(t, $0, 2)] } }
        let mean = zip(z, dz).reduce(0) { $0 + $1.0 * $1.1 }
        for t in 0..<s.pixels {
            let slope = scale * z[t] * (dz[t] - mean)
            for d in 0..<s.headChannels {
                output[place(row, d)] += z[t] * qkv[part(t, d, 2)]
                gradient[part(row, d, 0)] += slope * qkv[part(t, d, 1)]
                gradient[part(t, d, 1)] += slope * qkv[part(row, d, 0)]
                gradient[part(t, d, 2)] += z[t] * dy[place(row, d)]
            }
        }
    }
}

@Test(
    "Self-attention and its gradient equal the definition",
    arguments: [
        AttentionCase(pixels: 1, heads: 1, headChannels: 3), AttentionCase(pixels: 7, heads: 1, headChannels: 16),
        AttentionCase(pixels: 16, heads: 2, headChannels: 8), AttentionCase(pixels: 17, heads: 2, headChannels: 5),
        AttentionCase(pixels: 4, heads: 3, headChannels: 17),
        AttentionCase(samples: 1, pixels: 260, heads: 1, headChannels: 4),  // two tiles of rows
    ])
func attentionEqualsDefinition(sample: AttentionCase) {
    let (qkv, dy) = (sample.qkv, sample.outputGradient)
    let expected = PlainAttention(sample, qkv: qkv, outputGradient: dy)
    let actual = AttentionResults(sample)
    // Products of up to 17 terms and a softmax, roundings of 6e-8 on values up to 10.
    #expect(largestError(actual.output, expected.output) < 2e-6)
    #expect(largestError(actual.gradient, expected.gradient) < 2e-6)
}

@Test("The logarithms kept for the backward pass are those of each row's sum")
func attentionLogSums() {
    let sample = AttentionCase(samples: 1, pixels: 3, heads: 1, headChannels: 2)
    let qkv = sample.qkv
    for (row, logSum) in AttentionResults(sample).logSums.enumerated() {
        let total = (0..<3).reduce(0.0) { total, t in
            let product = (0..<2).reduce(0.0) { $0 + Double(qkv[row * 6 + $1]) * Double(qkv[t * 6 + 2 + $1]) }
            return total + exp(product / 2.0.squareRoot())
        }
        // A handful of roundings of values up to 10.
        #expect(abs(Double(logSum) - log(total)) < 5e-6)
    }
}

@Test(
    "In bfloat16 self-attention stays near the definition",
    .enabled(if: Processor.hasBFloat16, "needs AVX512-BF16"))
func bfloat16Attention() {
    let sample = AttentionCase(samples: 1, pixels: 260, heads: 2, headChannels: 16)
    let (qkv, dy) = (sample.qkv, sample.outputGradient)
    let expected = PlainAttention(sample, qkv: qkv, outputGradient: dy)
    let actual = AttentionResults(sample, as: .bfloat16)
    // Operands and results rounded to 8 bits, 4e-3 at most of values up to 3, and scores of up to 10 made of them.
    #expect(largestError(actual.output, expected.output) < 5e-2)
    #expect(largestError(actual.gradient, expected.gradient) < 5e-2)
}
