package import Layers
package import Tensors

/// A backbone with its ``Preconditioning``: it returns the clean image of x0 + sigma eps.
package struct Denoiser: Sendable {
    package let backbone: any Backbone
    package let preconditioning: Preconditioning
    /// Shape of one image: height, width, channels.
    package let imageShape: (height: Int, width: Int, channels: Int)

    /// The backbone as one whose encoder can be read.
    ///
    /// Traps: if it has none, as a closed form.
    package var encoderDecoder: any EncoderDecoder {
        guard let network = backbone as? any EncoderDecoder else {
            preconditionFailure("Denoiser: a \(type(of: backbone)) has no encoder to read")
        }
        return network
    }

    /// The weights it reads.
    package var layout: ParameterLayout { backbone.layout }
    /// The noise levels it knows.
    package var schedule: NoiseSchedule { preconditioning.schedule }

    /// A denoiser of the configured network.
    package init(_ configuration: NetworkConfiguration) {
        self.init(
            makeBackbone(configuration),
            Preconditioning(
                prediction: configuration.prediction, schedule: configuration.noiseSchedule,
                sigmaData: Float(configuration.sigmaData)),
            imageShape: (configuration.resolution, configuration.resolution, configuration.imageChannels))
    }

    /// A denoiser over any backbone.
    package init(
        _ backbone: any Backbone, _ preconditioning: Preconditioning,
        imageShape: (height: Int, width: Int, channels: Int)
    ) {
        (self.backbone, self.preconditioning, self.imageShape) = (backbone, preconditioning, imageShape)
    }

    /// A denoiser over any backbone, under EDM's preconditioning.
    package init(
        _ backbone: any Backbone, sigmaData: Float, imageShape: (height: Int, width: Int, channels: Int)
    ) {
        self.init(backbone, Preconditioning(sigmaData: sigmaData), imageShape: imageShape)
    }

    /// The shape of `count` images.
    package func shape(_ count: Int) -> Shape { Shape(count, imageShape.height, imageShape.width, imageShape.channels) }

    /// The denoised images. Shapes: x and the result `[N, H, W, C]`; sigma and labels `[N]`, nil for none.
    package func callAsFunction(
        _ x: Variable, sigma: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        let output = backbone(
            scaled(x, sigma, weights), conditioning: sigma.map(preconditioning.conditioning), labels: labels, weights)
        return blend(x, sigma.map(preconditioning.skip), output, sigma.map(preconditioning.output))
    }

    /// The backbone's bottleneck for the same input. Traps: as ``encoderDecoder``.
    package func bottleneck(
        _ x: Variable, sigma: [Float], labels: [Int?], _ weights: BoundWeights
    ) -> Variable {
        encoderDecoder.bottleneck(
            scaled(x, sigma, weights), conditioning: sigma.map(preconditioning.conditioning), labels: labels, weights)
    }

    /// The images from which sampling starts at these noise levels: unit noise, scaled. Shapes: noise and the result
    /// `[N, H, W, C]`, sigma `[N]`.
    package func start(_ noise: Tensor, sigma: [Float]) -> Variable {
        scale(Variable(noise), bySample: sigma.map(preconditioning.start))
    }

    /// The backbone's encoder at some resolutions, for the same input. Traps: as ``encoderDecoder``.
    package func encoderOutputs(
        _ x: Variable, sigma: [Float], labels: [Int?], _ weights: BoundWeights, resolutions: [Int]
    ) -> [Variable] {
        encoderDecoder.encoderOutputs(
            scaled(x, sigma, weights), conditioning: sigma.map(preconditioning.conditioning), labels: labels, weights,
            resolutions: resolutions)
    }

    private func scaled(_ x: Variable, _ sigma: [Float], _ weights: BoundWeights) -> Variable {
        precondition(sigma.count == x.shape[0], "Denoiser: \(sigma.count) sigmas for \(x.shape[0]) images")
        return convert(scale(x, bySample: sigma.map(preconditioning.input)), to: weights.precision)
    }
}

/// x + sigma noise, one sigma per image.
package func noised(_ x: Variable, sigma: [Float], noise: Tensor) -> Variable {
    blend(x, sigma.map { _ in 1 }, Variable(noise), sigma)
}
