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

    /// The same in batches of a fixed size, for a process whose memory is laid out for that size already.
    ///
    /// The last batch overlaps the one before it where the size does not divide the number of images.
    package func sample(
        _ student: NetworkWeights, noise: Tensor, labels: [Int], inBatchesOf size: Int
    ) -> Tensor {
        precondition(size >= 1, "OneStepSampler: batches of \(size)")
        let count = labels.count
        let result = Tensor(uninitialized: noise.shape)
        for start in stride(from: 0, to: count, by: size) {
            let range = max(0, min(start, count - size))..<min(count, start + size)
            let images = sample(student, noise: noise.samples(range), labels: Array(labels[range]))
            _ = result.samples(range).buffer.update(fromContentsOf: images.buffer)
        }
        return result
    }

    /// The same as part of a computation, for the student's training.
    package func callAsFunction(_ noise: Tensor, labels: [Int], _ student: BoundWeights) -> Variable {
        let sigmas = [Float](repeating: sigma, count: labels.count)
        return denoiser(denoiser.start(noise, sigma: sigmas), sigma: sigmas, labels: labels, student)
    }
}
