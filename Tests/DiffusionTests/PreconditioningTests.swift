import Diffusion
import Glibc
import Layers
import Synchronization
import Tensors
import Testing

/// A network that answers with what it is given beforehand, and remembers what it read.
private final class ScriptedBackbone: Backbone {
    let layout = ParameterLayout()
    private let answer: [Float]
    let reading = Mutex<(image: [Float], conditioning: [Float])>(([], []))

    init(answer: [Double]) { self.answer = answer.map { Float($0) } }

    func callAsFunction(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable {
        reading.withLock { $0 = (x.value.elements, conditioning) }
        return Variable(Tensor(answer, x.shape))
    }
}

@Suite struct PreconditioningTests {
    private static let clean = [-1.0, -0.25, 0.5, 0.9]
    private static let noise = [0.3, -1.7, 0.05, 2.2]

    /// alpha and sigma of the process that a prediction is defined on, at s = sigma / alpha; of `edm` alpha is 1.
    private func process(_ prediction: Prediction, _ s: Double) -> (alpha: Double, sigma: Double) {
        switch prediction {
        case .edm: (1, s)
        case .epsilon, .v: (1 / (1 + s * s).squareRoot(), s / (1 + s * s).squareRoot())
        case .flow: (1 / (1 + s), s / (1 + s))
        }
    }

    /// What the network should answer, by the prediction's definition.
    private func target(_ prediction: Prediction, clean: Double, noise: Double, _ s: Double) -> Double {
        let (alpha, sigma) = process(prediction, s)
        switch prediction {
        case .edm:
            // The effective training target of Karras et al. 2022, equation 8, with d = ½.
            return (clean - 0.25 / (s * s + 0.25) * (clean + s * noise)) / (s * 0.5 / (s * s + 0.25).squareRoot())
        case .epsilon: return noise
        case .v: return alpha * noise - sigma * clean
        case .flow: return noise - clean
        }
    }

    @Test(
        "The network sees its process's image and time; its right answer gives the clean image, and that the answer back",
        arguments: Prediction.allCases, NoiseSchedule.allCases)
    func roundTrip(prediction: Prediction, schedule: NoiseSchedule) {
        let preconditioning = Preconditioning(prediction: prediction, schedule: schedule, sigmaData: 0.5)
        for index in [0, 1, 20, 399, 500, 980, 999] {
            let sigma = schedule.sigma(index)
            let s = Double(sigma)
            let answer = zip(Self.clean, Self.noise).map { target(prediction, clean: $0, noise: $1, s) }
            let backbone = ScriptedBackbone(answer: answer)
            let denoiser = Denoiser(backbone, preconditioning, imageShape: (2, 2, 1))
            let noisy = zip(Self.clean, Self.noise).map { Float($0 + s * $1) }
            let denoised = denoiser(
                Variable(Tensor(noisy, Shape(1, 2, 2, 1))), sigma: [sigma], labels: [nil],
                .frozen(NetworkWeights(backbone.layout))
            ).value.elements
            let (alpha, sigmaOfProcess) = process(prediction, s)
            let (image, conditioning) = backbone.reading.withLock { $0 }
            for (place, (x0, eps)) in zip(Self.clean, Self.noise).enumerated() {
                // The noisy image is rounded to 6e-8 of its size, up to 2.2 s, which epsilon's c_skip of 1 passes on.
                let rounding = 4e-7 * max(1, prediction == .epsilon ? s : 1)
                #expect(abs(Double(denoised[place]) - x0) < rounding, "level \(index)")
                let seen =
                    prediction == .edm
                    ? (x0 + s * eps) / (s * s + 0.25).squareRoot() : alpha * x0 + sigmaOfProcess * eps
                #expect(abs(Double(image[place]) - seen) < 1e-6, "level \(index)")
                // Back: the answer that belongs to this clean image.
                let back =
                    (x0 - Double(preconditioning.skip(sigma)) * (x0 + s * eps)) / Double(preconditioning.output(sigma))
                #expect(abs(back - answer[place]) < 1e-6 * max(1, s + 1 / s), "level \(index)")
            }
            let time = prediction == .edm ? Float(log(s) / 4) : Float(index) + (schedule == .flow ? 0.5 : 0)
            #expect(abs(conditioning[0] - time) < 1e-3, "level \(index)")
        }
    }

    @Test("The loss weight makes the error of the image that of the network's output", arguments: Prediction.allCases)
    func lossWeight(prediction: Prediction) {
        let preconditioning = Preconditioning(prediction: prediction, schedule: .flow, sigmaData: 0.5)
        for sigma: Float in [0.01, 1, 14] {
            let s = Double(sigma)
            // Two clean images 0.1 apart, seen in one noisy image: their noises differ by -0.1 / s.
            let difference =
                target(prediction, clean: 0.3, noise: 1, s) - target(prediction, clean: 0.2, noise: 1 + 0.1 / s, s)
            #expect(abs(Double(preconditioning.lossWeight(sigma)) * 0.01 / (difference * difference) - 1) < 1e-5)
        }
    }

    @Test("Sampling starts from unit noise as the network sees it", arguments: [Prediction.epsilon, .v, .flow])
    func start(prediction: Prediction) {
        let preconditioning = Preconditioning(prediction: prediction, schedule: .stableDiffusion, sigmaData: 0.5)
        // SDXL's one-step student starts at index 399, where 1 / √ā = √(1 + s²) is 1.532.
        let sigma = NoiseSchedule.stableDiffusion.sigma(399)
        #expect(abs(preconditioning.start(sigma) * preconditioning.input(sigma) - 1) < 1e-6)
        if prediction == .epsilon {
            #expect(abs(preconditioning.start(sigma) - 1 / Float(0.426086).squareRoot()) < 1e-5)
        }
        #expect(Preconditioning(sigmaData: 0.5).start(80) == 80)
    }

    @Test(
        "Heun's sampler carries unit noise to Gaussian data whatever the network predicts",
        arguments: [
            (Prediction.edm, NoiseSchedule.karras), (.edm, .stableDiffusion), (.epsilon, .stableDiffusion),
            (.v, .stableDiffusion), (.flow, .flow), (.v, .karras),
        ])
    func sampling(prediction: Prediction, schedule: NoiseSchedule) {
        let preconditioning = Preconditioning(prediction: prediction, schedule: schedule, sigmaData: 0.5)
        let backbone = GaussianPredictor(mean: 0.4, variance: 0.09, preconditioning)
        let noise: [Float] = [-2, -1, 0, 1, 2]
        let images = HeunSampler(steps: 64).sample(
            Denoiser(backbone, preconditioning, imageShape: (1, 1, 1)), NetworkWeights(backbone.layout),
            noise: Tensor(noise, Shape(5, 1, 1, 1)), labels: [0, 0, 0, 0, 0])
        let top = schedule.samplingSigmas(64)[0]
        for (unit, image) in zip(noise, images.elements) {
            // The deterministic flow keeps a pixel's place in its distribution, N(m, v + s²) at noise level s.
            let start = Double(preconditioning.start(top)) * Double(unit)
            let exact = 0.4 + (0.09 / (0.09 + Double(top) * Double(top))).squareRoot() * (start - 0.4)
            // The error of 64 steps; 128 steps have a quarter of it.
            #expect(abs(Double(image) - exact) < 5e-3)
        }
    }
}

/// The optimal network of Gaussian pixels N(mean, variance), D(x; s) = (variance x + s² mean) / (variance + s²), in terms
/// of any prediction.
private struct GaussianPredictor: Backbone {
    let layout = ParameterLayout()
    private let mean: Double
    private let variance: Double
    private let preconditioning: Preconditioning

    init(mean: Double, variance: Double, _ preconditioning: Preconditioning) {
        (self.mean, self.variance, self.preconditioning) = (mean, variance, preconditioning)
    }

    /// The noise level of a time, between two levels along ln s.
    private func sigma(_ conditioning: Float) -> Double {
        let time = Double(conditioning)
        if preconditioning.prediction == .edm { return exp(4 * time) }
        if preconditioning.schedule == .flow { return time / (1000 - time) }
        let low = min(998, Int(time))
        let (a, b) = (
            log(Double(preconditioning.schedule.sigma(low))), log(Double(preconditioning.schedule.sigma(low + 1)))
        )
        return exp(a + (b - a) * (time - Double(low)))
    }

    func callAsFunction(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable {
        let result = Tensor(uninitialized: x.shape)
        for index in result.buffer.indices {
            let s = sigma(conditioning[index])
            let noisy = Double(x.value.buffer[index]) / Double(preconditioning.input(Float(s)))
            let clean = (variance * noisy + s * s * mean) / (variance + s * s)
            let rest = clean - Double(preconditioning.skip(Float(s))) * noisy
            result.buffer[index] = Float(rest / Double(preconditioning.output(Float(s))))
        }
        return Variable(result)
    }
}
