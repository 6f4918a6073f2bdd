package import Diffusion
package import Layers

/// The floating-point operations of a DMD2 cycle, counted from the shapes of the critic's layers.
///
/// Counted are convolutions, linear layers and the two products of self-attention, a multiply-add as two operations and
/// zeros around an image as if they were pixels. Norms, activations and losses are not: they are bound by memory.
///
/// A layer's resolution is read from its name, which is PyTorch's: `model.enc.16x16_block0.conv0.weight`.
package struct CycleArithmetic: Sendable {
    /// One layer's work on one image.
    private struct Operation {
        /// The part of the network; logits need the encoder and the head only.
        enum Part { case encoder, decoder, head }
        /// What the layer reads: an image, the embedding of noise level and label, or what that is made from.
        enum Source { case image, features, embedding, conditioning }

        let part: Part
        let source: Source
        /// Forward; the gradient of the weights takes as much, and that of the input again.
        let count: Double
        /// Self-attention's products have two inputs and no weights.
        let hasWeights: Bool
    }
    private let operations: [Operation]

    /// What a backward pass computes gradients of.
    private enum Gradients { case weights, image }

    /// Counts the layers of `layout`, which is a critic's: the denoiser's weights and then the head's.
    package init(_ network: NetworkConfiguration, critic layout: ParameterLayout) {
        var operations: [Operation] = []
        var headSide = network.bottleneckResolution
        for entry in layout.entries where entry.shape.count > 1 {
            let path = entry.name.split(separator: ".")
            let taps = Double(entry.shape.reduce(1, *))
            if path[0] == "head" {
                // Stride 2 down to 4x4, then 4x4 to a single pixel.
                headSide = headSide > 4 ? headSide / 2 : 1
                let count = 2 * taps * Double(headSide * headSide)
                operations.append(Operation(part: .head, source: .features, count: count, hasWeights: true))
                continue
            }
            let isDecoder = path[1] == "dec" || path[1] == "out_conv"
            let part: Operation.Part = isDecoder ? .decoder : .encoder
            let layer = path[path.count - 2]
            guard entry.shape.count == 4 else {
                let isFirst = layer == "map_layer0" || layer == "map_label"
                operations.append(
                    Operation(
                        part: part, source: isFirst ? .conditioning : .embedding, count: 2 * taps, hasWeights: true))
                continue
            }
            var side = Int(path[2].prefix { $0.isNumber }) ?? network.resolution
            // The pyramid's convolution comes before its filter: at the resolution above, with a margin of one pixel.
            if layer.hasSuffix("_aux_residual") { side = 2 * side + 2 }
            let pixels = Double(side * side)
            let source: Operation.Source = layer.hasSuffix("_conv") && part == .encoder ? .image : .features
            operations.append(Operation(part: part, source: source, count: 2 * taps * pixels, hasWeights: true))
            if layer == "qkv" {
                let products = 2 * 2 * pixels * pixels * Double(entry.shape[0] / 3)
                operations.append(Operation(part: part, source: .features, count: products, hasWeights: false))
            }
        }
        self.operations = operations
    }

    /// One image through the denoiser.
    package var denoise: Double { forward([.encoder, .decoder]) }
    /// One image through encoder and head.
    package var judge: Double { forward([.encoder, .head]) }
    /// One image through the denoiser, and back to its weights.
    package var trainDenoiser: Double { denoise + backward([.encoder, .decoder], to: .weights) }
    /// One image through encoder and head, and back to their weights.
    package var trainJudge: Double { judge + backward([.encoder, .head], to: .weights) }
    /// One image through encoder and head, and back to the image.
    package var judgeForImage: Double { judge + backward([.encoder, .head], to: .image) }

    /// `ratio` critic updates and one student update of `batch` images each.
    ///
    /// The student update denoises with teacher and critic, judges its images back to the image and trains the student;
    /// its images serve the critic's first update too. A critic update denoises, and judges real and generated images.
    package func cycle(batch: Int, ratio: Int, studentGAN: Bool, criticGAN: Bool) -> Double {
        let student = trainDenoiser + 2 * denoise + (studentGAN ? judgeForImage : 0)
        let critic = trainDenoiser + (criticGAN ? 2 * trainJudge : 0)
        return Double(batch) * (student + Double(ratio) * critic + Double(ratio - 1) * denoise)
    }

    private func forward(_ parts: [Operation.Part]) -> Double {
        operations.reduce(0) { $0 + (parts.contains($1.part) ? $1.count : 0) }
    }

    private func backward(_ parts: [Operation.Part], to gradients: Gradients) -> Double {
        operations.reduce(0) { total, operation in
            guard parts.contains(operation.part) else { return total }
            guard operation.hasWeights else { return total + 2 * operation.count }
            let flowsOn =
                switch (gradients, operation.source) {
                case (_, .features), (.weights, .embedding), (.image, .image): true
                case (_, .conditioning), (.weights, .image), (.image, .embedding): false
                }
            return total + (gradients == .weights ? operation.count : 0) + (flowsOn ? operation.count : 0)
        }
    }
}
