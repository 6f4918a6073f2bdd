package import Diffusion
package import Layers

/// What is distilled: a frozen denoiser, a network or a closed form, and its weights.
package struct Teacher {
    package let denoiser: Denoiser
    package let weights: NetworkWeights

    package init(denoiser: Denoiser, weights: NetworkWeights) { (self.denoiser, self.weights) = (denoiser, weights) }

    /// The exact denoiser of the points of `mixture2d`, for the same images as `denoiser`.
    static func closedForm(like denoiser: Denoiser) -> Teacher {
        let exact = ClosedFormBackbone.denoiser(of: .eightModes, imageShape: denoiser.imageShape)
        return Teacher(denoiser: exact, weights: NetworkWeights(exact.layout))
    }
}
