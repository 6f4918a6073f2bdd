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
        func sum(_ term: (Int) -> Double) -> Double { (0..<s.headChannels).reduce(0) { $0 + term($1) } }
        let powers = (0..<s.pixels).map { t in exp(scale * sum { qkv[3 * place(row, $0)] * qkv[3 * place(t, $0) + 1] })
        }
        let total = powers.reduce(0, +)
        let z = powers.map { $0 / total }
        let dz = (0..<s.pixels).map { t in sum { dy[place(row, $0)] * qkv[3 * place(t, $0) + 2] } }
        let mean = zip(z, dz).reduce(0) { $0 + $1.0 * $1.1 }
        for t in 0..<s.pixels {
            let slope = scale * z[t] * (dz[t] - mean)
            for d in 0..<s.headChannels {
                output[place(row, d)] += z[t] * qkv[3 * place(t, d) + 2]
                gradient[3 * place(row, d)] += slope * qkv[3 * place(t, d) + 1]
                gradient[3 * place(t, d) + 1] += slope * qkv[3 * place(row, d)]
                gradient[3 * place(t, d) + 2] += z[t] * dy[place(row, d)]
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
    ])
func attentionEqualsDefinition(sample: AttentionCase) {
    let (qkv, dy) = (sample.qkv, sample.outputGradient)
    let expected = PlainAttention(sample, qkv: qkv, outputGradient: dy)
    let actual = AttentionResults(sample)
    // Products of up to 17 terms and a softmax, roundings of 6e-8 on values up to 10.
    #expect(largestError(actual.output, expected.output) < 2e-6)
    #expect(largestError(actual.gradient, expected.gradient) < 2e-6)
}

@Test("The weights kept for the backward pass are a distribution over the keys")
func attentionWeightsSumToOne() {
    let sample = AttentionCase(pixels: 17, heads: 2, headChannels: 5)
    let weights = AttentionResults(sample).weights
    for row in 0..<weights.count / sample.pixels {
        let values = weights[row * sample.pixels..<(row + 1) * sample.pixels]
        #expect(values.allSatisfy { $0 >= 0 } && abs(values.reduce(0, +) - 1) < 1e-6)
    }
}
