import Diffusion
import Layers
import Tensors
import Testing

@Suite struct TimeConditionedMLPTests {
    private static func configuration(classes: Int) -> NetworkConfiguration {
        NetworkConfiguration(
            backbone: .mlp, resolution: 1, imageChannels: 2, classes: classes, conditional: classes > 1, channels: 16,
            channelMultipliers: [1],
            channelMultiplierEmbedding: 2, blocks: 2, attentionResolutions: [])
    }

    private func random(_ shape: Shape, _ step: Int) -> Tensor {
        RandomStream(seed: 11, purpose: .teacherNoise).normal(shape, step: step, firstSample: 0)
    }

    @Test("A fresh network's output is zero, so its denoiser begins as the skip")
    func start() {
        let denoiser = Denoiser(Self.configuration(classes: 1))
        let x = random(denoiser.shape(3), 0)
        let weights = BoundWeights.frozen(NetworkWeights(denoiser.layout, seed: 1))
        let y = denoiser(Variable(x), sigma: [0.5, 0.5, 0.5], labels: [0, 0, 0], weights).value
        // c_skip = d² / (s² + d²) = 1/2 at s = d.
        #expect(y.elements == x.elements.map { $0 / 2 })
    }

    @Test("The bottleneck is one pixel of all channels")
    func bottleneck() {
        let denoiser = Denoiser(Self.configuration(classes: 1))
        let weights = BoundWeights.frozen(NetworkWeights(denoiser.layout, seed: 1))
        let features = denoiser.bottleneck(
            Variable(random(denoiser.shape(3), 0)), sigma: [1, 1, 1], labels: [0, 0, 0], weights)
        #expect(features.shape == Shape(3, 1, 1, 16))
    }

    @Test("Every weight's gradient is the slope of the output, with a label and without", arguments: [1, 3])
    func gradient(classes: Int) {
        let denoiser = Denoiser(Self.configuration(classes: classes))
        let weights = NetworkWeights(denoiser.layout, seed: 1)
        // Layers that start at zero would hide the gradients of those before them.
        let noise = random(Shape(1, denoiser.layout.elementCount), 5)
        weights.update { for index in $0.buffer.indices { $0.buffer[index] += 0.2 * noise.buffer[index] } }
        let (x, direction) = (random(denoiser.shape(4), 0), random(denoiser.shape(4), 1))
        let (sigma, labels) = ([0.05, 0.4, 2, 30] as [Float], [0, 1, 2, 0].map { $0 % classes })
        let tape = Tape()
        let gradient = Tensor(repeating: 0, weights.values.shape)
        let y = denoiser(
            Variable(x), sigma: sigma, labels: labels, .tracked(weights, on: tape, gradient: gradient))
        tape.backward([(y, direction)])

        func value(_ weights: NetworkWeights) -> Double {
            let y = denoiser(Variable(x), sigma: sigma, labels: labels, .frozen(weights)).value
            return zip(y.elements, direction.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        for entry in denoiser.layout.entries {
            let places = entry.offset..<entry.offset + entry.count
            let length = places.reduce(0) { $0 + Double(gradient.buffer[$1]) * Double(gradient.buffer[$1]) }
                .squareRoot()
            guard length > 0 else {
                Issue.record("no gradient at \(entry.name)")
                continue
            }
            func moved(_ distance: Double) -> Double {
                let copy = weights.copied()
                copy.update { values in
                    for index in places {
                        values.buffer[index] += Float(distance * Double(gradient.buffer[index]) / length)
                    }
                }
                return value(copy)
            }
            // A sum of float outputs of about 1 is known to 1e-6; each step changes it by 0.01 to first order.
            let distance = 5e-3 / length
            let slope = (moved(distance) - moved(-distance)) / (2 * distance)
            #expect(abs(slope - length) < 0.01 * length, "\(entry.name): \(slope), \(length)")
        }
    }
}
