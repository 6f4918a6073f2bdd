import Diffusion
import Layers
import Synchronization
import Tensors
import Testing

/// Answers with the label, or -1 where there is none; counts its calls.
private final class LabelBackbone: Backbone {
    let layout = ParameterLayout()
    let calls = Mutex(0)

    func callAsFunction(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable {
        calls.withLock { $0 += 1 }
        return Variable(Tensor(labels.map { Float($0 ?? -1) }, x.shape))
    }
}

@Suite struct GuidanceTests {
    private let backbone = LabelBackbone()
    private var denoiser: Denoiser {
        // Of flow at s = 1: c_skip ½ and c_out -½.
        Denoiser(backbone, Preconditioning(prediction: .flow, schedule: .flow, sigmaData: 0.5), imageShape: (1, 1, 1))
    }
    private let weights = BoundWeights.frozen(NetworkWeights(ParameterLayout()))

    private func images(scale: Float) -> [Float] {
        denoiser.guided(
            Variable(Tensor([8, 8], Shape(2, 1, 1, 1))), sigma: [1, 1], labels: [2, 5], scale: scale, weights
        ).value.elements
    }

    @Test("Guidance is uncond + s (cond - uncond), of each label")
    func definition() {
        // cond 4 - ½ label, uncond 4.5: the differences are -1.5 and -3.
        #expect(images(scale: 3) == [0, -4.5])
        #expect(images(scale: 0) == [4.5, 4.5])
        #expect(backbone.calls.withLock { $0 } == 4)
    }

    @Test("Scale 1 is the network with its label, by one call")
    func none() {
        #expect(images(scale: 1) == [3, 1.5])
        #expect(backbone.calls.withLock { $0 } == 1)
    }

    @Test("A guided sampler makes twice the calls, and says so")
    func sampler() {
        for (guidance, calls) in [(1 as Float, 7), (2, 14)] {
            let backbone = LabelBackbone()
            let sampler = HeunSampler(steps: 4, guidance: guidance)
            _ = sampler.sample(
                Denoiser(backbone, sigmaData: 0.5, imageShape: (1, 1, 1)), NetworkWeights(backbone.layout),
                noise: Tensor([1], Shape(1, 1, 1, 1)), labels: [3])
            #expect(sampler.networkCalls == calls)
            #expect(backbone.calls.withLock { $0 } == calls)
        }
    }
}
