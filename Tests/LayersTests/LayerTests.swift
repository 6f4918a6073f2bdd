import Layers
import Tensors
import Testing

@Suite struct LayerTests {
    @Test("Weights and biases start within ±sqrt(1/fan-in), and at zero where the layer must not contribute")
    func initialisers() {
        var layout = ParameterLayout()
        _ = ConvolutionLayer(&layout, "conv", inputs: 4, outputs: 8, kernel: 3, padding: 1)
        _ = ConvolutionLayer(&layout, "last", inputs: 4, outputs: 8, kernel: 3, padding: 1, startsAtZero: true)
        _ = LinearLayer(&layout, "map", inputs: 25, outputs: 3)
        _ = NormalizationLayer(&layout, "norm", channels: 8)
        let bound = Float(1.0 / 6)
        #expect(
            layout.entries.map(\.initializer) == [
                .uniform(bound: bound), .uniform(bound: bound), .zeros, .zeros, .uniform(bound: 0.2),
                .uniform(bound: 0.2), .ones, .zeros,
            ])
    }

    @Test(
        "Groups have four channels at least, and there are 32 at most",
        arguments: [(8, 2), (16, 4), (128, 32), (256, 32)])
    func groupCount(channels: Int, groups: Int) {
        #expect(NormalizationLayer.groupCount(channels: channels) == groups)
    }

    @Test("Stride, kernel and padding give the output's size")
    func convolutionShapes() {
        var layout = ParameterLayout()
        let halving = ConvolutionLayer(&layout, "a", inputs: 2, outputs: 3, kernel: 4, stride: 2, padding: 1)
        let closing = ConvolutionLayer(&layout, "b", inputs: 3, outputs: 5, kernel: 4, stride: 4, padding: 0)
        let weights = BoundWeights.frozen(NetworkWeights(layout, seed: 1))
        let h = halving(Variable(Tensor(repeating: 1, Shape(2, 8, 8, 2))), weights)
        #expect(h.shape == Shape(2, 4, 4, 3))
        #expect(closing(h, weights).shape == Shape(2, 1, 1, 5))
    }

    @Test("At its start a normalisation layer's output has mean 0 and variance 1 in each group")
    func normalization() {
        var layout = ParameterLayout()
        let layer = NormalizationLayer(&layout, "norm", channels: 8, groups: 2)
        let weights = BoundWeights.frozen(NetworkWeights(layout, seed: 1))
        let x = RandomStream(seed: 1, purpose: .teacherNoise).normal(Shape(1, 4, 4, 8), step: 0, firstSample: 0)
        let y = layer(Variable(x), weights, activates: false).value
        for group in 0..<2 {
            let values = y.buffer.indices.filter { $0 % 8 / 4 == group }.map { Double(y.buffer[$0]) }
            let mean = values.reduce(0, +) / 64
            let variance = values.reduce(0) { $0 + $1 * $1 } / 64
            // Float rounding, and epsilon 1e-5 beside a variance near 1.
            #expect(abs(mean) < 1e-6)
            #expect(abs(variance - 1) < 1e-4)
        }
    }
}
