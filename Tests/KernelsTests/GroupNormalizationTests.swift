import Kernels
import Testing

/// Group normalisation and its gradients by their definition, in double precision.
private struct PlainNormalization {
    private(set) var output: [Double]
    private(set) var gradient: [Double]
    private(set) var gammaGradient: [Double]
    private(set) var betaGradient: [Double]
    private(set) var modulationGradient: [Double]

    init(_ s: NormalizationCase, _ data: NormalizationData) {
        (output, gradient) = (data.x.map { _ in 0 }, data.x.map { _ in 0 })
        (gammaGradient, betaGradient) = (data.gamma.map { _ in 0 }, data.beta.map { _ in 0 })
        modulationGradient = [Double](repeating: 0, count: s.samples * 2 * s.channels)
        for n in 0..<s.samples {
            for group in 0..<s.groups { addGroup(n, group, s, data) }
        }
    }

    private mutating func addGroup(_ n: Int, _ group: Int, _ s: NormalizationCase, _ data: NormalizationData) {
        let width = s.channels / s.groups
        let places = (0..<s.pixels * width).map {
            (n * s.pixels + $0 / width) * s.channels + group * width + $0 % width
        }
        let size = Double(places.count)
        let mean = places.reduce(0) { $0 + Double(data.x[$1]) } / size
        let variance = places.reduce(0) { $0 + (Double(data.x[$1]) - mean) * (Double(data.x[$1]) - mean) } / size
        let rstd = 1 / (variance + Double(s.epsilon)).squareRoot()
        var normalized: [(place: Int, value: Double, gradient: Double)] = []
        for place in places {
            let c = place % s.channels
            let (gamma, beta) = (Double(data.gamma[c]), Double(data.beta[c]))
            let scale = s.isModulated ? 1 + Double(data.modulation[n * 2 * s.channels + c]) : 1
            let shift = s.isModulated ? Double(data.modulation[(n * 2 + 1) * s.channels + c]) : 0
            let xhat = (Double(data.x[place]) - mean) * rstd
            let p = (xhat * gamma + beta) * scale + shift
            let (value, slope) = s.activates ? plainSilu(p) : (p, 1)
            let dp = Double(data.gradient[place]) * slope
            output[place] = value
            gammaGradient[c] += dp * scale * xhat
            betaGradient[c] += dp * scale
            modulationGradient[n * 2 * s.channels + c] += dp * (xhat * gamma + beta)
            modulationGradient[(n * 2 + 1) * s.channels + c] += dp
            normalized.append((place, xhat, dp * scale * gamma))
        }
        let m1 = normalized.reduce(0) { $0 + $1.gradient } / size
        let m2 = normalized.reduce(0) { $0 + $1.gradient * $1.value } / size
        for entry in normalized { gradient[entry.place] = rstd * (entry.gradient - m1 - entry.value * m2) }
    }
}

@Test("Normalisation, modulation and SiLU, and their gradients, equal the definition", arguments: NormalizationCase.all)
func normalizationEqualsDefinition(sample: NormalizationCase) {
    let data = NormalizationData(sample)
    let expected = PlainNormalization(sample, data)
    let actual = NormalizationResults(sample, data)
    // Statistics of up to 300 floats, then a handful of roundings of 6e-8 on values up to 3.
    #expect(largestError(actual.output, expected.output) < 2e-6)
    #expect(largestError(actual.restoredOutput, expected.output) < 2e-6)
    #expect(largestError(actual.gradient, expected.gradient) < 5e-6)
    #expect(largestError(actual.gammaGradient, expected.gammaGradient.map { $0 + 1 }) < 5e-6, "added to the 1 there")
    #expect(largestError(actual.betaGradient, expected.betaGradient.map { $0 + 1 }) < 5e-6, "added to the 1 there")
    if sample.isModulated {
        #expect(largestError(actual.modulationGradient, expected.modulationGradient) < 5e-6)
    }
}

@Test("A large mean does not cost the variance its digits")
func normalizationOfLargeMean() {
    let sample = NormalizationCase(
        samples: 1, pixels: 4, channels: 1, groups: 1, isModulated: false, activates: false)
    let data = NormalizationData(x: [1001, 1002, 1003, 1004], gamma: [1], beta: [0], gradient: [0, 0, 0, 0])
    // y = x a + b with b near -900: its rounding, 6e-5 at most, is what remains.
    let expected = [-1.341_635, -0.447_212, 0.447_212, 1.341_635]
    #expect(largestError(NormalizationResults(sample, data).output, expected) < 1e-4)
}

@Test("What is to be added to the gradient of x is added")
func normalizationAddsToGradient() {
    let sample = NormalizationCase(pixels: 6, channels: 20, groups: 5, isModulated: true, activates: true)
    let data = NormalizationData(sample)
    let addend = numbers(data.x.count, seed: 9)
    let expected = zip(PlainNormalization(sample, data).gradient, addend).map { $0 + Double($1) }
    #expect(largestError(NormalizationResults(sample, data, adding: addend).gradient, expected) < 5e-6)
}

@Test("In bfloat16 the normalisation stays near the definition", arguments: [64, 65, 192])
func bfloat16Normalization(channels: Int) {
    let sample = NormalizationCase(
        pixels: 9, channels: channels, groups: channels == 65 ? 13 : 16, isModulated: true, activates: true)
    let data = NormalizationData(sample)
    let expected = PlainNormalization(sample, data)
    let actual = NormalizationResults(sample, data, as: .bfloat16)
    // Inputs, result and the gradient on its way rounded to 8 bits each, 4e-3 at most of values up to 3.
    #expect(largestError(actual.output, expected.output) < 1.5e-2)
    #expect(largestError(actual.gradient, expected.gradient) < 3e-2)
    #expect(largestError(actual.gammaGradient, expected.gammaGradient.map { $0 + 1 }) < 3e-2)
}

@Test("Groups that do not divide the channels trap")
func unevenGroupsTrap() async {
    await #expect(processExitsWith: .failure) {
        _ = GroupNormalization(samples: 1, pixels: 1, channels: 7, groups: 2, epsilon: 1e-5, activates: false)
    }
}
