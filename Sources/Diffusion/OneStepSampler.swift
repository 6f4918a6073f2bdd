package import Layers
package import Tensors

/// A distilled student's sampler: one call of the network, from noise of one level.
package struct OneStepSampler: Sendable {
    private let denoiser: Denoiser
    private let sigma: Float

    /// `sigma` is the noise level the student was trained to start from.
    package init(denoiser: Denoiser, sigma: Float) { (self.denoiser, self.sigma) = (denoiser, sigma) }

    /// Images from unit noise. Shapes: noise and the result `[N, H, W, C]`, labels `[N]`.
    package func sample(_ student: NetworkWeights, noise: Tensor, labels: [Int]) -> Tensor {
        callAsFunction(noise, labels: labels, .frozen(student)).value
    }

    /// The same as part of a computation, for the student's training.
    package func callAsFunction(_ noise: Tensor, labels: [Int], _ student: BoundWeights) -> Variable {
        let sigmas = [Float](repeating: sigma, count: labels.count)
        return denoiser(scale(Variable(noise), bySample: sigmas), sigma: sigmas, labels: labels, student)
    }
}
