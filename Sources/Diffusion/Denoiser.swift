import Glibc
package import Layers
package import Tensors

/// A backbone under EDM's preconditioning (Karras et al. 2022, equation 7 and table 1): it returns the clean image.
///
/// Formula: D(x; s) = c_skip x + c_out F(c_in x; c_noise), c_skip = d²/(s²+d²), c_out = s d/sqrt(s²+d²),
/// c_in = 1/sqrt(s²+d²), c_noise = ln(s)/4, with d = sigmaData.
package struct Denoiser: Sendable {
    package let backbone: any Backbone
    /// Standard deviation of the images, in units of pixel value in -1...1.
    package let sigmaData: Float
    /// Shape of one image: height, width, channels.
    package let imageShape: (height: Int, width: Int, channels: Int)

    /// The weights it reads.
    package var layout: ParameterLayout { backbone.layout }

    /// A denoiser of the configured network.
    package init(_ configuration: NetworkConfiguration) {
        backbone = makeBackbone(configuration)
        sigmaData = Float(configuration.sigmaData)
        imageShape = (configuration.resolution, configuration.resolution, configuration.imageChannels)
    }

    /// A denoiser over any backbone.
    package init(
        _ backbone: any Backbone, sigmaData: Float, imageShape: (height: Int, width: Int, channels: Int)
    ) {
        (self.backbone, self.sigmaData, self.imageShape) = (backbone, sigmaData, imageShape)
    }

    /// The shape of `count` images.
    package func shape(_ count: Int) -> Shape { Shape(count, imageShape.height, imageShape.width, imageShape.channels) }

    /// The denoised images. Shapes: x and the result `[N, H, W, C]`; sigma and labels `[N]`, nil for none.
    package func callAsFunction(
        _ x: Variable, sigma: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        let d2 = sigmaData * sigmaData
        let output = backbone(
            scaled(x, sigma, weights), conditioning: sigma.map { log($0) / 4 }, labels: labels, weights)
        return blend(
            x, sigma.map { d2 / ($0 * $0 + d2) },
            output, sigma.map { $0 * sigmaData / ($0 * $0 + d2).squareRoot() })
    }

    /// The backbone's bottleneck for the same input.
    package func bottleneck(
        _ x: Variable, sigma: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        backbone.bottleneck(scaled(x, sigma, weights), conditioning: sigma.map { log($0) / 4 }, labels: labels, weights)
    }

    private func scaled(_ x: Variable, _ sigma: [Float], _ weights: BoundWeights) -> Variable {
        precondition(sigma.count == x.shape[0], "Denoiser: \(sigma.count) sigmas for \(x.shape[0]) images")
        let factors = sigma.map { 1 / ($0 * $0 + sigmaData * sigmaData).squareRoot() }
        return convert(scale(x, bySample: factors), to: weights.precision)
    }
}

/// x + sigma noise, one sigma per image.
package func noised(_ x: Variable, sigma: [Float], noise: Tensor) -> Variable {
    blend(x, sigma.map { _ in 1 }, Variable(noise), sigma)
}
