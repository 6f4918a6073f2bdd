import Diffusion
import Distillation
import Layers
import Tensors
import Testing

@Suite
struct GANOptionTests {
    private static func draws(
        samples: Range<Int> = 0..<4, _ change: (inout DistillationConfiguration) -> Void
    ) -> DistillationDraws {
        var configuration = DistillationConfiguration()
        change(&configuration)
        return TinyNetworks.draws(configuration, samples: samples)
    }

    @Test("Without a GAN weight nothing is drawn for the head, whatever the critic's weight")
    func off() {
        let draws = Self.draws { ($0.ganWeight, $0.criticGanWeight) = (0, 0.01) }
        #expect(draws.studentGAN == nil && draws.realGAN == nil && draws.fakeGAN == nil)
        #expect(draws.matching != nil && draws.critic != nil)
    }

    @Test("Without a matching weight neither teacher nor critic denoises, and the rest is drawn as with it")
    func alone() throws {
        let draws = Self.draws { $0.matchingWeight = 0 }
        #expect(draws.matching == nil && draws.critic == nil)
        #expect(draws.studentGAN?.indices == Self.draws { _ in }.studentGAN?.indices)

        var configuration = TinyNetworks.oneStep
        configuration.matchingWeight = 0
        let tiny = TinyNetworks(configuration)
        let gradient = Tensor(repeating: 0, tiny.networks.student.values.shape)
        let result = tiny.step.studentGradient(tiny.draws, tiny.networks, gradient: gradient)
        #expect(result.matching == nil && result.adversarialLoss != nil)
        let input = tiny.step.studentInput(tiny.draws, tiny.networks.student)
        checkSlopes(of: tiny.networks.student, gradient, names: ["model.dec.8x8_block1.conv1.weight"]) {
            // A target equal to the images leaves no matching loss.
            let images = tiny.step.sampler(input, call: 0, labels: tiny.draws.labels, .frozen($0)).value
            return tiny.studentLoss(input: input, target: images.elements.map(Double.init), $0)
        }

        let critic = Tensor(repeating: 0, tiny.networks.critic.values.shape)
        let turn = tiny.step.criticGradient(tiny.draws, images: result.images, tiny.networks, gradient: critic)
        #expect(turn.denoisingLoss == nil && turn.adversarialLoss != nil)
        // The head and its encoder are trained, the decoder is not.
        for entry in tiny.networks.critic.layout.entries {
            let slopes = critic.elements[entry.offset..<entry.offset + entry.count]
            if entry.name.contains(".dec.") { #expect(slopes.allSatisfy { $0 == 0 }, "\(entry.name)") }
            if entry.name.hasPrefix("head.0.") { #expect(slopes.contains { $0 != 0 }, "\(entry.name)") }
        }
    }

    @Test("The head's noise stays below its bound, and a bound of 1 leaves the lowest level")
    func maximumIndex() {
        let bounded = Self.draws(samples: 0..<512) { $0.ganMaxIndex = 250 }
        for draw in [bounded.studentGAN, bounded.realGAN, bounded.fakeGAN] {
            let indices = draw?.indices ?? []
            // 512 draws miss the upper tenth with probability 1e-23.
            #expect(indices.allSatisfy { (0..<250).contains($0) } && indices.contains { $0 >= 225 })
        }
        let clean = Self.draws { $0.ganMaxIndex = 1 }
        #expect(clean.realGAN?.indices == [0, 0, 0, 0])
        #expect(bounded.critic?.indices.contains { $0 >= 250 } == true)
    }

    @Test("The matching weight scales the gradient at the image, not the loss reported")
    func matchingWeight() {
        let shape = Shape(2, 4, 4, 1)
        let tensors = (0..<3).map {
            RandomStream(seed: 8, purpose: .evaluationNoise).normal(shape, step: $0, firstSample: 0)
        }
        let once = distributionMatchingLoss(images: tensors[0], teacher: tensors[1], critic: tensors[2])
        let half = distributionMatchingLoss(images: tensors[0], teacher: tensors[1], critic: tensors[2], weight: 0.5)
        #expect(half.loss.loss == once.loss.loss)
        // Half of a float is exact.
        #expect(half.loss.gradient.elements == once.loss.gradient.elements.map { $0 / 2 })
    }

    @Test("Heads on several levels give a logit each, and their loss is the mean over all")
    func heads() {
        let denoiser = Denoiser(TinyNetworks.configuration)
        let several = CriticNetwork(denoiser, headResolutions: [8, 4])
        let names = Set(several.layout.entries.map(\.name))
        #expect(
            names.isSuperset(of: ["head.8x8.0.weight", "head.8x8.6.weight", "head.4x4.0.weight", "head.4x4.3.weight"]))

        let weights = NetworkWeights(several.layout, seed: 6)
        let x = Self.draws { _ in }.realImages
        func logits(_ weights: NetworkWeights) -> [Float] {
            several.logits(Variable(x), sigma: [1, 1, 1, 1], labels: [0, 1, 2, 3], .frozen(weights)).value.elements
        }
        let both = logits(weights)
        #expect(both.count == 8)
        // The logit of a level is what a critic with that head alone says, given the same weights.
        for (place, resolution) in [8, 4].enumerated() {
            let single = CriticNetwork(denoiser, headResolutions: [resolution])
            let copy = NetworkWeights(single.layout)
            copy.update { _ in
                for (index, entry) in single.layout.entries.enumerated() {
                    guard let source = several.layout.entries.firstIndex(where: { $0.name == entry.name }) else {
                        continue
                    }
                    _ = copy[index].buffer.update(fromContentsOf: weights[source].buffer)
                }
            }
            let alone = single.logits(Variable(x), sigma: [1, 1, 1, 1], labels: [0, 1, 2, 3], .frozen(copy)).value
            #expect(alone.elements == stride(from: place, to: 8, by: 2).map { both[$0] })
        }
        let mean = adversarialLoss(Tensor(both, Shape(4, 2)), .real, weight: 1).loss
        let parts = (0..<2).map { place in
            adversarialLoss(Tensor(stride(from: place, to: 8, by: 2).map { both[$0] }, Shape(4, 1)), .real, weight: 1)
                .loss
        }
        // A mean of eight, and of two means of four: a few roundings.
        #expect(abs(mean - (parts[0] + parts[1]) / 2) < 1e-6)
    }

    @Test("The bottleneck's head is the paper's, and the same network as a list of that one resolution")
    func bottleneck() {
        let denoiser = Denoiser(TinyNetworks.configuration)
        let (standard, listed) = (CriticNetwork(denoiser), CriticNetwork(denoiser, headResolutions: [4]))
        let x = Self.draws { _ in }.realImages
        let shared = [standard, listed].map { critic in
            critic.logits(
                Variable(x), sigma: [1, 1, 1, 1], labels: [0, 1, 2, 3],
                .frozen(NetworkWeights(critic.layout, seed: 6))
            ).value.elements
        }
        #expect(shared[0] == shared[1])
    }
}
