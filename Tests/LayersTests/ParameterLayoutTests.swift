import Layers
import Testing

@Suite struct ParameterLayoutTests {
    @Test("Weights lie one after another, each on a multiple of sixteen floats")
    func offsets() {
        var layout = ParameterLayout()
        #expect(layout.add("a.weight", [3, 5], .zeros) == 0)
        #expect(layout.add("a.bias", [16], .ones) == 1)
        #expect(layout.add("b.weight", [2, 3, 3, 1], .zeros) == 2)
        #expect(layout.entries.map(\.name) == ["a.weight", "a.bias", "b.weight"])
        #expect(layout.entries.map(\.offset) == [0, 16, 32])
        #expect(layout.entries.map(\.count) == [15, 16, 18])
        #expect(layout.elementCount == 64 && layout.parameterCount == 49)
    }

    @Test("Layers name their weights as PyTorch does, with its shapes")
    func layerNames() {
        var layout = ParameterLayout()
        _ = ConvolutionLayer(&layout, "conv", inputs: 3, outputs: 5, kernel: 4, padding: 1)
        _ = LinearLayer(&layout, "map", inputs: 7, outputs: 2)
        _ = LinearLayer(&layout, "label", inputs: 7, outputs: 2, hasBias: false)
        _ = NormalizationLayer(&layout, "norm", channels: 8)
        #expect(
            layout.entries.map { "\($0.name) \($0.shape)" } == [
                "conv.weight [5, 3, 4, 4]", "conv.bias [5]", "map.weight [2, 7]", "map.bias [2]", "label.weight [2, 7]",
                "norm.weight [8]", "norm.bias [8]",
            ])
    }

    @Test("A name that is taken traps")
    func duplicateName() async {
        await #expect(processExitsWith: .failure) {
            var layout = ParameterLayout()
            _ = layout.add("w", [1], .zeros)
            _ = layout.add("w", [2], .zeros)
        }
    }
}
