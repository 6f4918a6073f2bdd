import Glibc
package import Layers
package import Tensors

/// The optimal denoiser of a Gaussian mixture as a network without weights: a teacher that is exact.
///
/// It is the backbone F that EDM's preconditioning turns into the mixture's D, F = (D - c_skip x) / c_out, so a
/// ``Denoiser`` over it goes wherever a frozen teacher does; it has no encoder, which only a critic's heads read. An image
/// of H x W x C is a point of that many dimensions.
package struct ClosedFormBackbone: Backbone {
    package let layout = ParameterLayout()

    private let mixture: GaussianMixture
    private let sigmaData: Double

    /// The denoiser of `mixture` for images of one shape.
    ///
    /// Traps: if an image has other than the mixture's dimensions.
    package static func denoiser(
        of mixture: GaussianMixture, imageShape: (height: Int, width: Int, channels: Int), sigmaData: Float = 0.5
    ) -> Denoiser {
        let count = imageShape.height * imageShape.width * imageShape.channels
        precondition(
            count == mixture.dimensions, "a mixture of \(mixture.dimensions) dimensions for images of \(count) numbers")
        return Denoiser(
            ClosedFormBackbone(mixture: mixture, sigmaData: Double(sigmaData)), sigmaData: sigmaData,
            imageShape: imageShape)
    }

    private init(mixture: GaussianMixture, sigmaData: Double) {
        (self.mixture, self.sigmaData) = (mixture, sigmaData)
    }

    package func callAsFunction(
        _ x: Variable, conditioning: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        let count = mixture.dimensions
        let result = Tensor(uninitialized: x.shape)
        for (n, value) in conditioning.enumerated() {
            // c_noise is ln(s) / 4, and x has been divided by the root of s² + d².
            let sigma = exp(4 * Double(value))
            let total = sigma * sigma + sigmaData * sigmaData
            let places = n * count..<(n + 1) * count
            let noisy = x.value.buffer[places].map { Double($0) * total.squareRoot() }
            let clean = mixture.denoised(noisy, sigma: sigma)
            for (index, place) in places.enumerated() {
                let skipped = noisy[index] * sigmaData * sigmaData / total
                result.buffer[place] = Float((clean[index] - skipped) * total.squareRoot() / (sigma * sigmaData))
            }
        }
        return Variable(result)
    }
}
