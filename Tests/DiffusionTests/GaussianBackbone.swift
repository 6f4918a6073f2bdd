import Diffusion
import Glibc
import Layers
import Synchronization
import Tensors

/// The optimal denoiser of Gaussian pixels N(mean, variance), D(x; s) = (variance x + s² mean) / (variance + s²),
/// put through the preconditioning backwards; it counts its calls.
final class GaussianBackbone: Backbone {
    let layout = ParameterLayout()
    let mean: Double
    let variance: Double
    let calls = Mutex(0)
    private let sigmaData = 0.5

    init(mean: Double, variance: Double) { (self.mean, self.variance) = (mean, variance) }

    var denoiser: Denoiser { Denoiser(self, sigmaData: Float(sigmaData), imageShape: (1, 1, 1)) }

    /// The deterministic sampler's limit of infinitely many steps for one unit of noise: the flow keeps each pixel's
    /// place in its distribution, which has variance + s² at noise level s.
    func flow(noise: Double, sigmaMax: Double = 80) -> Double {
        mean + (variance / (variance + sigmaMax * sigmaMax)).squareRoot() * (sigmaMax * noise - mean)
    }

    func callAsFunction(_ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights) -> Variable {
        calls.withLock { $0 += 1 }
        let result = Tensor(uninitialized: x.shape)
        let count = x.shape.countPerSample
        for index in result.buffer.indices {
            let s2 = exp(8 * Double(conditioning[index / count]))
            let total = s2 + sigmaData * sigmaData
            let noisy = Double(x.value.buffer[index]) * total.squareRoot()
            let clean = (variance * noisy + s2 * mean) / (variance + s2)
            let skipped = noisy * sigmaData * sigmaData / total
            result.buffer[index] = Float((clean - skipped) / (s2 / total).squareRoot() / sigmaData)
        }
        return Variable(result)
    }
}
