package import Layers
package import Tensors

/// The small convolutional network whose features the Fréchet distance is taken in, and whose predictions class
/// agreement counts. It is made for digits, and takes small images of any side.
///
/// Convolutions of stride 2 bring the image down to 4x4 pixels; one linear layer makes features of it, another classes:
///
///     conv 3x3 → (norm, SiLU → conv 3x3, stride 2) until 4x4 → norm, SiLU → conv 3x3 → norm, SiLU
///     → flatten → linear, SiLU: 64 features → linear: logits
package struct DigitClassifier: Sendable {
    /// The number of features of an image.
    package static let featureCount = 64

    /// The names and shapes of its weights.
    package let layout: ParameterLayout
    /// The number of classes.
    package let classes: Int

    private let input: ConvolutionLayer
    private let blocks: [(norm: NormalizationLayer, convolution: ConvolutionLayer)]
    private let outputNorm: NormalizationLayer
    private let featureLayer: LinearLayer
    private let logitLayer: LinearLayer

    /// The network for square images of `resolution` pixels a side.
    ///
    /// Traps: if `resolution` is below 4, or `imageChannels` or `classes` is not positive.
    package init(resolution: Int, imageChannels: Int, classes: Int) {
        precondition(resolution >= 4, "a classifier of images of \(resolution) pixels a side; it takes 4 or more")
        precondition(imageChannels > 0 && classes > 0, "\(imageChannels) image channels, \(classes) classes")
        let (narrow, wide) = (32, 64)
        var layout = ParameterLayout()
        input = ConvolutionLayer(&layout, "input", inputs: imageChannels, outputs: narrow, kernel: 3, padding: 1)
        var blocks: [(norm: NormalizationLayer, convolution: ConvolutionLayer)] = []
        var (side, channels) = (resolution, narrow)
        func addBlock(stride: Int) {
            let name = "blocks.\(blocks.count)"
            let norm = NormalizationLayer(&layout, name + ".norm", channels: channels)
            let convolution = ConvolutionLayer(
                &layout, name + ".conv", inputs: channels, outputs: wide, kernel: 3, stride: stride, padding: 1)
            blocks.append((norm, convolution))
            (side, channels) = ((side - 1) / stride + 1, wide)
        }
        while side > 4 { addBlock(stride: 2) }
        addBlock(stride: 1)
        outputNorm = NormalizationLayer(&layout, "output_norm", channels: channels)
        featureLayer = LinearLayer(
            &layout, "features", inputs: side * side * channels, outputs: Self.featureCount)
        logitLayer = LinearLayer(&layout, "logits", inputs: Self.featureCount, outputs: classes)
        self.blocks = blocks
        self.layout = layout
        self.classes = classes
    }

    /// The features of images, after their activation: what the last layer sees.
    ///
    /// Shapes: images `[N, resolution, resolution, imageChannels]`, values in -1...1; result `[N, 64]`.
    package func features(_ images: Variable, _ weights: BoundWeights) -> Variable {
        var x = input(images, weights)
        for block in blocks {
            x = block.convolution(block.norm(x, weights, activates: true), weights)
        }
        x = outputNorm(x, weights, activates: true)
        return silu(featureLayer(reshape(x, Shape(x.shape[0], x.shape.countPerSample)), weights))
    }

    /// The logits that belong to features. Shapes: features `[N, 64]`, result `[N, classes]`.
    package func logits(ofFeatures features: Variable, _ weights: BoundWeights) -> Variable {
        logitLayer(features, weights)
    }

    /// The logits of images, for training.
    ///
    /// Shapes: images `[N, resolution, resolution, imageChannels]`, result `[N, classes]`.
    package func logits(_ images: Variable, _ weights: BoundWeights) -> Variable {
        logits(ofFeatures: features(images, weights), weights)
    }

    /// Features and logits of images as plain rows, `[N, 64]` and `[N, classes]`, for statistics; nothing is recorded.
    package func describe(_ images: Tensor, _ weights: NetworkWeights) -> (features: [Float], logits: [Float]) {
        let frozen = BoundWeights.frozen(weights)
        let features = features(Variable(images), frozen)
        return (features.value.elements, logits(ofFeatures: features, frozen).value.elements)
    }
}
