import Layers
import Tensors
import Testing

@Suite struct NetworkWeightsTests {
    private static var layout: ParameterLayout {
        var layout = ParameterLayout()
        _ = layout.add("zeros", [5], .zeros)
        _ = layout.add("ones", [7], .ones)
        _ = layout.add("uniform", [50, 40], .uniform(bound: 0.25))
        _ = layout.add("other", [50, 40], .uniform(bound: 0.25))
        _ = layout.add("normal", [40, 50], .normal(deviation: 2))
        return layout
    }

    private func elements(_ weights: NetworkWeights, _ name: String) -> [Float] {
        weights.named.first { $0.name == name }?.value.elements ?? []
    }

    @Test("Weights start as their initialisers say")
    func initialValues() {
        let weights = NetworkWeights(Self.layout, seed: 3)
        #expect(elements(weights, "zeros") == [Float](repeating: 0, count: 5))
        #expect(elements(weights, "ones") == [Float](repeating: 1, count: 7))
        let (uniform, normal) = (elements(weights, "uniform"), elements(weights, "normal"))
        #expect(uniform.allSatisfy { abs($0) <= 0.25 })
        // Four standard errors of 2000 draws: the variances are 1/48 and 4, their deviations 0.0186 and 5.66.
        let (uniformMoments, normalMoments) = (moments(uniform), moments(normal))
        #expect(abs(uniformMoments.mean) < 0.0130)
        #expect(abs(uniformMoments.square - 0.020_833) < 0.0017)
        #expect(abs(normalMoments.mean) < 0.18)
        #expect(abs(normalMoments.square - 4) < 0.51)
    }

    private func moments(_ x: [Float]) -> (mean: Double, square: Double) {
        var (sum, squares) = (0.0, 0.0)
        for value in x {
            sum += Double(value)
            squares += Double(value) * Double(value)
        }
        return (sum / Double(x.count), squares / Double(x.count))
    }

    @Test("A seed means the same weights; another seed, or another place, other ones")
    func determinism() {
        let weights = NetworkWeights(Self.layout, seed: 3)
        #expect(weights.values.elements == NetworkWeights(Self.layout, seed: 3).values.elements)
        #expect(weights.values.elements != NetworkWeights(Self.layout, seed: 4).values.elements)
        #expect(elements(weights, "uniform") != elements(weights, "other"))
        var longer = Self.layout
        _ = longer.add("appended", [3], .uniform(bound: 1))
        #expect(elements(weights, "normal") == elements(NetworkWeights(longer, seed: 3), "normal"))
    }

    @Test("The gaps between weights are zero")
    func gaps() {
        let weights = NetworkWeights(Self.layout, seed: 3)
        let used = Set(Self.layout.entries.flatMap { $0.offset..<$0.offset + $0.count })
        #expect(weights.values.count == Self.layout.elementCount)
        #expect(weights.values.buffer.indices.allSatisfy { used.contains($0) || weights.values.buffer[$0] == 0 })
    }

    @Test("A copy is a network of its own")
    func copy() {
        let weights = NetworkWeights(Self.layout, seed: 3)
        let copy = weights.copied()
        #expect(copy.values.elements == weights.values.elements)
        copy.update { $0.buffer[0] = 9 }
        #expect(weights.values.buffer[0] == 0)
    }

    @Test("Gradients arrive at the weights' places in the flat buffer")
    func boundGradients() {
        var layout = ParameterLayout()
        let layer = LinearLayer(&layout, "map", inputs: 2, outputs: 1)
        let weights = NetworkWeights(layout)
        weights.update { $0.buffer.update(repeating: 3) }
        let (tape, gradient) = (Tape(), Tensor(repeating: 0, Shape(layout.elementCount + 4)))
        let bound = BoundWeights.tracked(weights, on: tape, gradient: gradient)
        let y = layer(Variable(Tensor([5, 7], Shape(1, 2))), bound)
        #expect(y.value.elements == [39])
        tape.backward([(y, Tensor([2], Shape(1, 1)))])
        #expect(gradient.elements[..<2] == [10, 14] && gradient.elements[16] == 2)
        #expect(gradient.elements.enumerated().allSatisfy { [0, 1, 16].contains($0.offset) || $0.element == 0 })
    }

    @Test("Frozen weights record nothing, and a convolution sees every update of its weights")
    func frozenWeightsAndUpdates() {
        var layout = ParameterLayout()
        let layer = ConvolutionLayer(&layout, "conv", inputs: 1, outputs: 1, kernel: 1, padding: 0)
        let weights = NetworkWeights(layout)
        let x = Variable(Tensor([2], Shape(1, 1, 1, 1)))
        for value: Float in [3, 5] {
            weights.update { $0.buffer[0] = value }
            let y = layer(x, .frozen(weights))
            #expect(y.slot == nil && y.value.elements == [2 * value])
        }
    }

    @Test("A gradient buffer that is too small traps")
    func smallGradient() async {
        await #expect(processExitsWith: .failure) {
            let weights = NetworkWeights(Self.layout)
            _ = BoundWeights.tracked(weights, on: Tape(), gradient: Tensor(repeating: 0, Shape(16)))
        }
    }
}
