import Layers
import Tensors
import Testing

@Suite struct MovingAverageTests {
    @Test("It has the bits of the optimiser's own average of the same decay, and another decay has others")
    func equalsOptimizer() throws {
        var layout = ParameterLayout()
        _ = layout.add("w", [100], .uniform(bound: 1))
        let optimizer = NetworkOptimizer(NetworkWeights(layout, seed: 1), AdamWConfiguration(), keepsAverage: true)
        let (same, slower) = (
            MovingAverage(of: optimizer.weights, decay: 0.9), MovingAverage(of: optimizer.weights, decay: 0.99)
        )
        for step in 0..<5 {
            let gradient = RandomStream(seed: 2, purpose: .teacherNoise)
                .normal(Shape(1, layout.elementCount), step: step, firstSample: 0)
            _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 0.1, averageKeep: 0.9)
            for average in [same, slower] { average.move(towards: optimizer.weights) }
        }
        #expect(same.weights.values.elements == optimizer.average?.values.elements)
        #expect(slower.weights.values.elements != same.weights.values.elements)
    }

    @Test("It starts at the weights and keeps its share, by hand")
    func byHand() {
        var layout = ParameterLayout()
        _ = layout.add("w", [16], .zeros)
        let network = NetworkWeights(layout)
        network.update { $0.buffer.update(repeating: 4) }
        let average = MovingAverage(of: network, decay: 0.75)
        network.update { $0.buffer.update(repeating: 8) }
        average.move(towards: network)
        // 0.75 · 4 + 0.25 · 8 = 5, then 0.75 · 5 + 0.25 · 8 = 5.75: exact in float32.
        average.move(towards: network)
        #expect(average.weights.values.elements.allSatisfy { $0 == 5.75 })
    }
}
