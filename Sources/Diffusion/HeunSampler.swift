package import Layers
package import Tensors

/// EDM's deterministic second-order sampler (Karras et al. 2022, algorithm 1).
package struct HeunSampler: Sendable {
    /// The steps; the image is denoised 2 steps - 1 times.
    package let steps: Int
    /// The scale of ``Denoiser/guided(_:sigma:labels:scale:_:)``; 1 is none.
    package let guidance: Float

    private let startSigma: Float?

    /// `startSigma` is the noise level it starts from, the schedule's largest unless told otherwise.
    ///
    /// Traps: with fewer than two steps.
    package init(steps: Int, guidance: Float = 1, startSigma: Float? = nil) {
        precondition(steps >= 2, "HeunSampler: \(steps) steps")
        (self.steps, self.guidance, self.startSigma) = (steps, guidance, startSigma)
    }

    /// The network calls of one image: guidance makes two of each.
    package var networkCalls: Int { (2 * steps - 1) * (guidance == 1 ? 1 : 2) }

    /// Images from unit noise. Shapes: noise and the result `[N, H, W, C]`, labels `[N]`.
    package func sample(
        _ denoiser: Denoiser, _ weights: NetworkWeights, noise: Tensor, labels: [Int]
    ) -> Tensor {
        let count = noise.shape[0]
        let bound = BoundWeights.frozen(weights)
        func each(_ value: Float) -> [Float] { [Float](repeating: value, count: count) }
        func denoised(_ x: Variable, _ sigma: Float) -> Variable {
            denoiser.guided(x, sigma: each(sigma), labels: labels, scale: guidance, bound)
        }
        let sigmas = denoiser.schedule.samplingSigmas(steps, from: startSigma)
        var x = denoiser.start(noise, sigma: each(sigmas[0]))
        for (sigma, next) in zip(sigmas, sigmas.dropFirst() + [0]) {
            // dx/ds = (x - D) / s; Euler to the next level, x + (next - s) dx/ds, as a blend of x and D.
            let first = denoised(x, sigma)
            let ratio = next / sigma
            let euler = blend(x, each(ratio), first, each(1 - ratio))
            if next > 0 {
                let second = denoised(euler, next)
                // Heun: the mean of both slopes, (x - D1) / s and (e - D2) / next.
                let half = (next - sigma) / 2
                let slopes = blend(
                    blend(x, each(1 / sigma), first, each(-1 / sigma)), each(half),
                    blend(euler, each(1 / next), second, each(-1 / next)), each(half))
                x = add(x, slopes)
            } else {
                x = euler
            }
        }
        return x.value
    }
}
