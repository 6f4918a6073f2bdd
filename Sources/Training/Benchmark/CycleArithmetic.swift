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
    struct Operation {
        /// What is computed; sides are those of the result, in pixels.
        enum Kind {
            case convolution(kernel: Int, inputs: Int, outputs: Int, side: Int, stride: Int)
            case attention(channels: Int, side: Int)
            case linear(inputs: Int, outputs: Int)
        }
        /// The part of the network; logits need the encoder and the head only.
        enum Part { case encoder, decoder, head }
        /// What the layer reads: an image, the embedding of noise level and label, or what that is made from.
        enum Source { case image, features, embedding, conditioning }

        let kind: Kind
        let part: Part
        let source: Source
        /// Forward; the gradient of the weights takes as much, and that of the input again.
        let count: Double
        /// Self-attention's products have two inputs and no weights.
        var hasWeights: Bool { if case .attention = kind { false } else { true } }
        /// The elements that are normalised before it.
        var normalized = 0
        /// The elements that are copied to put its input together of two.
        var joined = 0
        /// The elements of activations that it keeps until its backward pass, of a pass that has one.
        var retained = 0

        /// The floating-point operations of a direction.
        func count(_ direction: Direction) -> Double {
            switch direction {
            case .forward: count
            case .imageGradient: hasWeights ? count : 2 * count
            case .weightGradient: hasWeights ? count : 0
            }
        }
    }
    let operations: [Operation]

    /// The directions in which a pass goes through an operation.
    enum Direction: CaseIterable { case forward, imageGradient, weightGradient }

    /// What a backward pass computes gradients of.
    private enum Gradients { case weights, image }

    /// What an image goes through.
    enum Pass {
        /// The denoiser; encoder and head.
        case denoise, judge
        /// The same, and back to the weights.
        case trainDenoiser, trainJudge
        /// Encoder and head, and back to the image.
        case judgeForImage
    }

    /// Counts the layers of `layout`, which is a critic's: the denoiser's weights and then the head's.
    package init(_ network: NetworkConfiguration, critic layout: ParameterLayout) {
        var operations: [Operation] = []
        var head = (name: "", side: 0)
        var blockOutput = 0
        for entry in layout.entries where entry.shape.count > 1 {
            let path = entry.name.split(separator: ".")
            let taps = Double(entry.shape.reduce(1, *))
            if path[0] == "head", entry.shape.count == 4 {
                // Stride 2 down to 4x4, then 4x4 to a single pixel.
                let name = String(path.count == 4 ? path[1] : path[0])
                if name != head.name {
                    head = (name, Int(name.prefix { $0.isNumber }) ?? network.bottleneckResolution)
                }
                let stride = head.side > 4 ? 2 : head.side
                let inputSide = head.side
                head.side = head.side > 4 ? head.side / 2 : 1
                let count = 2 * taps * Double(head.side * head.side)
                operations.append(
                    Operation(
                        kind: .convolution(
                            kernel: entry.shape[2], inputs: entry.shape[1], outputs: entry.shape[0], side: head.side,
                            stride: stride),
                        part: .head, source: .features, count: count,
                        retained: entry.shape[1] * inputSide * inputSide))
                continue
            }
            let isDecoder = ["dec", "out_conv", "output"].contains(path[1])
            let part: Operation.Part = path[0] == "head" ? .head : isDecoder ? .decoder : .encoder
            let layer = path[path.count - 2]
            guard entry.shape.count == 4 else {
                // The last four are an mlp's.
                let source: Operation.Source =
                    switch layer {
                    case "map_layer0", "map_label": .conditioning
                    case "input": .image
                    case "linear0", "linear1", "output": .features
                    default: .embedding
                    }
                operations.append(
                    Operation(
                        kind: .linear(inputs: entry.shape[1], outputs: entry.shape[0]), part: part, source: source,
                        count: 2 * taps))
                continue
            }
            var side = Int(path[2].prefix { $0.isNumber }) ?? network.resolution
            // The pyramid's convolution comes before its filter: at the resolution above, with a margin of one pixel.
            if layer.hasSuffix("_aux_residual") { side = 2 * side + 2 }
            let pixels = Double(side * side)
            let source: Operation.Source = layer.hasSuffix("_conv") && part == .encoder ? .image : .features
            var operation = Operation(
                kind: .convolution(
                    kernel: entry.shape[2], inputs: entry.shape[1], outputs: entry.shape[0], side: side, stride: 1),
                part: part, source: source, count: 2 * taps * pixels)
            Self.describeInput(&operation, block: String(path[2]), layer: String(layer), &blockOutput)
            operations.append(operation)
            if layer == "qkv" {
                let products = 2 * 2 * pixels * pixels * Double(entry.shape[0] / 3)
                operations.append(
                    Operation(
                        kind: .attention(channels: entry.shape[0] / 3, side: side), part: part, source: .features,
                        count: products, retained: entry.shape[0] * side * side))
            }
        }
        self.operations = operations
    }

    /// Fills in what is done to the input of a U-Net's convolution. `blockOutput` are the elements of the block's output
    /// so far, which the next block joins with a skip or keeps as its own input.
    private static func describeInput(
        _ operation: inout Operation, block: String, layer: String, _ blockOutput: inout Int
    ) {
        guard case .convolution(_, let inputs, let outputs, let side, _) = operation.kind else { return }
        // The norm and its convolution are one operation, which keeps what the norm read, before any change of resolution.
        let inputSide =
            layer != "conv0" ? side : block.hasSuffix("_down") ? 2 * side : block.hasSuffix("_up") ? side / 2 : side
        let read = inputs * inputSide * inputSide
        switch layer {
        case "conv0":
            (operation.normalized, operation.retained) = (read, read)
            if operation.part == .decoder, block.contains("_block") {
                // The stream is kept beside the copy that it is joined into; the skip is the encoder's.
                operation.joined = read
                operation.retained += blockOutput
            }
        case "conv1", "qkv", "out_conv": (operation.normalized, operation.retained) = (read, read)
        case _ where layer.hasSuffix("_aux_conv"): (operation.normalized, operation.retained) = (read, read)
        case "proj": operation.retained = read
        default: break
        }
        if layer != "qkv", layer != "skip" { blockOutput = outputs * side * side }
    }

    /// One image through the denoiser.
    package var denoise: Double { count(.denoise) }
    /// One image through encoder and head.
    package var judge: Double { count(.judge) }
    /// One image through the denoiser, and back to its weights.
    package var trainDenoiser: Double { count(.trainDenoiser) }
    /// One image through encoder and head, and back to their weights.
    package var trainJudge: Double { count(.trainJudge) }
    /// One image through encoder and head, and back to the image.
    package var judgeForImage: Double { count(.judgeForImage) }

    /// The networks of a cycle.
    enum Role: CaseIterable { case teacher, student, critic }

    /// The passes of a cycle through each network, and how often every image of a batch takes part in them.
    ///
    /// `rolloutCalls` is how often the student is called, on average, to make the input of a step's call; without
    /// distribution matching nobody denoises. Guidance and the regression loss are not counted.
    static func passes(
        ratio: Int, rolloutCalls: Double, matches: Bool, usesGAN: Bool
    ) -> [(role: Role, pass: Pass, times: Double)] {
        [
            (.student, .trainDenoiser, 1), (.teacher, .denoise, matches ? 1 : 0), (.critic, .denoise, matches ? 1 : 0),
            (.critic, .judgeForImage, usesGAN ? 1 : 0), (.critic, .trainDenoiser, matches ? Double(ratio) : 0),
            (.critic, .trainJudge, usesGAN ? 2 * Double(ratio) : 0),
            (.student, .denoise, Double(ratio - 1) + Double(ratio) * rolloutCalls),
        ]
    }

    /// `ratio` critic updates and one student update of `batch` images each.
    ///
    /// The student update denoises with teacher and critic, judges its images back to the image and trains the student;
    /// its images serve the critic's first update too. A critic update denoises, and judges real and generated images.
    package func cycle(
        batch: Int, ratio: Int, rolloutCalls: Double = 0, matches: Bool = true, usesGAN: Bool
    ) -> Double {
        let passes = Self.passes(ratio: ratio, rolloutCalls: rolloutCalls, matches: matches, usesGAN: usesGAN)
        return Double(batch) * passes.reduce(0) { $0 + $1.times * count($1.pass) }
    }

    private func count(_ pass: Pass) -> Double { sum(pass) { $0.count($1) } }

    /// The sum over the operations of a pass, in every direction it goes through them, of what `cost` says.
    func sum(_ pass: Pass, _ cost: (Operation, Direction) -> Double) -> Double {
        switch pass {
        case .denoise: forward([.encoder, .decoder], cost)
        case .judge: forward([.encoder, .head], cost)
        case .trainDenoiser:
            forward([.encoder, .decoder], cost) + backward([.encoder, .decoder], to: .weights, cost)
        case .trainJudge: forward([.encoder, .head], cost) + backward([.encoder, .head], to: .weights, cost)
        case .judgeForImage: forward([.encoder, .head], cost) + backward([.encoder, .head], to: .image, cost)
        }
    }

    private func forward(_ parts: [Operation.Part], _ cost: (Operation, Direction) -> Double) -> Double {
        operations.reduce(0) { $0 + (parts.contains($1.part) ? cost($1, .forward) : 0) }
    }

    private func backward(
        _ parts: [Operation.Part], to gradients: Gradients, _ cost: (Operation, Direction) -> Double
    ) -> Double {
        operations.reduce(0) { total, operation in
            guard parts.contains(operation.part) else { return total }
            let flowsOn =
                switch (gradients, operation.source) {
                case (_, .features), (.weights, .embedding), (.image, .image): true
                case (_, .conditioning), (.weights, .image), (.image, .embedding): false
                }
            return total + (gradients == .weights ? cost(operation, .weightGradient) : 0)
                + (flowsOn ? cost(operation, .imageGradient) : 0)
        }
    }
}
