package import Layers
package import Tensors

extension Denoiser {
    /// The denoised images under classifier-free guidance (Ho and Salimans 2022): uncond + scale (cond - uncond), `cond`
    /// denoised with the labels and `uncond` without any.
    ///
    /// The denoised image is linear in the network's output, so this is the same guidance as of epsilon, v or velocity.
    /// With scale 1 it is `cond`, by one call of the network instead of two.
    /// Shapes: x and the result `[N, H, W, C]`; sigma and labels `[N]`.
    package func guided(
        _ x: Variable, sigma: [Float], labels: [Int?], scale: Float, _ weights: BoundWeights
    ) -> Variable {
        let conditional = self(x, sigma: sigma, labels: labels, weights)
        if scale == 1 { return conditional }
        let unconditional = self(x, sigma: sigma, labels: labels.map { _ in nil }, weights)
        return blend(unconditional, sigma.map { _ in 1 - scale }, conditional, sigma.map { _ in scale })
    }
}
