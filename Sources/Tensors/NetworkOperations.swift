package import Kernels

/// The packed forms of one convolution's weights, one for each layout and direction, remade when the weights change.
package final class PackedWeights {
    private struct Entry {
        var version: Int
        let storage: Storage
    }
    private var forward: [PackedLayout: Entry] = [:]
    private var backward: [PackedLayout: Entry] = [:]

    package init() {}

    /// Gives the memory of all forms back.
    package func removeAll() {
        forward.removeAll(keepingCapacity: true)
        backward.removeAll(keepingCapacity: true)
    }

    fileprivate func forward(
        _ plan: Convolution, _ weight: Tensor, _ order: ChannelOrder, version: Int
    ) -> UnsafeMutableRawPointer {
        Self.current(&forward, plan.packedForwardLayout, version) {
            let ordered = order.applied(to: weight)
            withExtendedLifetime(ordered) { [target = $0] in plan.packForward(ordered.pointer, into: target) }
        }
    }

    fileprivate func backward(
        _ plan: Convolution, _ weight: Tensor, _ order: ChannelOrder, version: Int
    ) -> UnsafeMutableRawPointer {
        Self.current(&backward, plan.packedBackwardLayout, version) {
            let ordered = order.applied(to: weight)
            withExtendedLifetime(ordered) { [target = $0] in plan.packBackward(ordered.pointer, into: target) }
        }
    }

    private static func current(
        _ entries: inout [PackedLayout: Entry], _ layout: PackedLayout, _ version: Int,
        pack: (UnsafeMutableRawPointer) -> Void
    ) -> UnsafeMutableRawPointer {
        if let entry = entries[layout], entry.version == version {
            return UnsafeMutableRawPointer(entry.storage.pointer)
        }
        let storage = entries[layout]?.storage ?? StoragePool.take((layout.byteCount + 3) / 4)
        pack(storage.pointer)
        entries[layout] = Entry(version: version, storage: storage)
        return UnsafeMutableRawPointer(storage.pointer)
    }
}

/// The weights of one convolution and how they are applied: weight `[K, C, k, k]`, bias `[K]`.
package struct ConvolutionArguments {
    package let weight: Variable
    package let bias: Variable
    package let stride: Int
    package let padding: Int
    /// How the weight's output channels become the result's.
    package let order: ChannelOrder
    /// The layer's own forms of the weight, and a number that changes whenever its values do.
    package let packed: PackedWeights
    package let version: Int

    package init(
        weight: Variable, bias: Variable, stride: Int, padding: Int, order: ChannelOrder = .unchanged,
        packed: PackedWeights, version: Int
    ) {
        (self.weight, self.bias, self.stride, self.padding) = (weight, bias, stride, padding)
        (self.order, self.packed, self.version) = (order, packed, version)
    }

    /// The primitives for an image of this shape and type.
    fileprivate func plan(_ image: Shape, _ type: ElementType, result: ElementType) -> Convolution {
        precondition(weight.shape[1] == image[3], "convolution: input \(image), weight \(weight.shape)")
        return Convolution.plan(shape(image), image: type, result: result)
    }

    private func shape(_ image: Shape) -> ConvolutionShape {
        ConvolutionShape(
            samples: image[0], height: image[1], width: image[2], inputChannels: image[3],
            outputChannels: weight.shape[0], kernel: weight.shape[2], stride: stride, padding: padding)
    }

    /// `addend` is overwritten where nothing else holds its storage, else copied.
    fileprivate func forward(_ x: Tensor, adding addend: consuming Tensor?, result type: ElementType) -> Tensor {
        let shape = shape(x.shape)
        let resultShape = Shape(x.shape[0], shape.outputHeight, shape.outputWidth, weight.shape[0])
        let adds = addend != nil
        var y = addend ?? Tensor(uninitialized: resultShape, type)
        precondition(
            y.shape == resultShape && y.elementType == type,
            "convolution: \(y.elementType) \(y.shape) added to \(type) \(resultShape)")
        y.makeUnique()
        let plan = plan(x.shape, x.elementType, result: type)
        let bias = order.applied(to: bias.value)
        withExtendedLifetime(bias) {
            plan.forward(
                x.activations, packed: packed.forward(plan, weight.value, order, version: version),
                bias: bias.pointer, into: y.activations, addsToResult: adds)
        }
        return y
    }

    /// The gradient of the image, given that of the result in the image's type.
    fileprivate func backwardData(_ gradient: Tensor, image: Shape) -> Tensor {
        let dx = Tensor(uninitialized: image, gradient.elementType)
        let plan = plan(image, gradient.elementType, result: gradient.elementType)
        plan.backwardData(
            gradient.activations, packed: packed.backward(plan, weight.value, order, version: version),
            into: dx.activations)
        return dx
    }

    /// Adds to the gradients of weight and bias where they are tracked.
    fileprivate func backwardWeights(_ x: Tensor, gradient: Tensor) {
        guard let slot = weight.slot else { return }
        let plan = plan(x.shape, x.elementType, result: x.elementType)
        let scratch = StoragePool.take(plan.gradientScratchCount)
        func add(weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?) {
            withExtendedLifetime(scratch) {
                plan.backwardWeights(
                    x.activations, gradient: gradient.activations, weights: weights, bias: bias,
                    scratch: scratch.pointer)
            }
        }
        if order == .unchanged {
            add(weights: slot.accumulator, bias: bias.slot?.accumulator)
        } else {
            let weightGradient = Tensor(repeating: 0, weight.shape)
            let biasGradient = Tensor(repeating: 0, bias.shape)
            withExtendedLifetime((weightGradient, biasGradient)) {
                add(weights: weightGradient.pointer, bias: biasGradient.pointer)
            }
            order.addReversed(weightGradient, to: slot.accumulator)
            if let slot = bias.slot { order.addReversed(biasGradient, to: slot.accumulator) }
        }
    }
}

/// Two-dimensional convolution, plus `addend` where there is one.
///
/// Shapes: x `[N, H, W, C]`, addend and result `[N, OH, OW, K]`. The result has the element type `type`, by default that
/// of x; the addend has the result's.
package func convolution(
    _ x: Variable, _ arguments: ConvolutionArguments, adding addend: consuming Variable? = nil,
    as type: ElementType? = nil
) -> Variable {
    let addendSlot = addend?.slot
    let addend = addend?.value
    let y = arguments.forward(x.value, adding: addend, result: type ?? x.value.elementType)
    let slots = [x, arguments.weight, arguments.bias].map(\.slot) + [addendSlot]
    return result(ofSlots: slots, y) { gradient in
        addendSlot?.add(gradient)
        let gradient = gradient.converted(to: x.value.elementType)
        arguments.backwardWeights(x.value, gradient: gradient)
        x.slot?.add(arguments.backwardData(gradient, image: x.shape))
    }
}

/// A group normalisation's weights and what follows it: gamma and beta `[C]`, modulation `[N, 2C]` (scale, then shift).
package struct NormalizationArguments {
    package let gamma: Variable
    package let beta: Variable
    package let modulation: Variable?
    package let groups: Int
    package let epsilon: Float
    /// True where SiLU follows.
    package let activates: Bool

    package init(
        gamma: Variable, beta: Variable, modulation: Variable?, groups: Int, epsilon: Float, activates: Bool
    ) {
        (self.gamma, self.beta, self.modulation) = (gamma, beta, modulation)
        (self.groups, self.epsilon, self.activates) = (groups, epsilon, activates)
    }

    fileprivate var inputs: [Variable] { [gamma, beta] + (modulation.map { [$0] } ?? []) }

    fileprivate var affine: GroupNormalization.Affine {
        .init(gamma: gamma.value.pointer, beta: beta.value.pointer)
    }

    fileprivate func kernel(_ x: Tensor) -> GroupNormalization {
        if let modulation {
            precondition(
                modulation.shape == Shape(x.shape[0], 2 * x.shape[3]),
                "groupNormalization: modulation \(modulation.shape) of \(x.shape)")
        }
        return GroupNormalization(
            samples: x.shape[0], pixels: x.shape[1] * x.shape[2], channels: x.shape[3], groups: groups,
            epsilon: epsilon, activates: activates)
    }

    fileprivate func forward(_ x: Tensor) -> (result: Tensor, statistics: Tensor) {
        let y = Tensor(uninitialized: x.shape, x.elementType)
        let statistics = Tensor(uninitialized: Shape(2, x.shape[0], groups))
        kernel(x).forward(
            x.activations, affine, modulation: modulation.map { UnsafePointer($0.value.pointer) },
            into: y.activations, statistics: Self.pointers(statistics))
        return (y, statistics)
    }

    /// Adds to the gradients of x and of the weights; overwrites `gradient` by the forward pass's result where asked.
    fileprivate func backward(_ x: Variable, _ statistics: Tensor, gradient: Tensor, restoresResult: Bool) {
        let dx = Tensor(uninitialized: x.shape, x.value.elementType)
        let addend = x.slot?.take()
        let modulationGradient = modulation?.slot.map { _ in
            Tensor(uninitialized: Shape(x.shape[0], 2 * x.shape[3]))
        }
        withExtendedLifetime(addend) {
            kernel(x.value).backward(
                x.value.activations, affine, modulation: modulation.map { UnsafePointer($0.value.pointer) },
                statistics: Self.pointers(statistics), gradient: gradient.activations, adding: addend?.activations,
                into: dx.activations, restoring: restoresResult ? gradient.activations : nil,
                .init(
                    gamma: gamma.slot?.accumulator, beta: beta.slot?.accumulator,
                    modulation: modulationGradient?.pointer))
        }
        x.slot?.add(dx)
        if let modulationGradient { modulation?.slot?.add(modulationGradient) }
    }

    private static func pointers(_ statistics: Tensor) -> GroupNormalization.Statistics {
        .init(mean: statistics.pointer, rstd: statistics.pointer + statistics.count / 2)
    }
}

/// Group normalisation, modulation and SiLU in one: see `Kernels.GroupNormalization` for the formula.
///
/// Shapes: x and result `[N, H, W, C]`.
package func groupNormalization(_ x: Variable, _ arguments: NormalizationArguments) -> Variable {
    let (y, statistics) = arguments.forward(x.value)
    return result(of: [x] + arguments.inputs, y) { gradient in
        arguments.backward(x, statistics, gradient: gradient, restoresResult: false)
    }
}

/// Group normalisation with what follows it, a change of resolution where asked, and the convolution that reads it.
///
/// One operation, because what lies between is not kept: the backward pass of the normalisation makes it again, in
/// the memory of its gradient, and the gradient of the convolution's weight is taken then.
/// Shapes: x `[N, H, W, C]`, addend and result `[N, OH, OW, K]`; types as in ``convolution(_:_:adding:as:)``.
package func normalizedConvolution(
    _ x: Variable, _ normalization: NormalizationArguments, resampling: ResolutionChange? = nil,
    _ arguments: ConvolutionArguments, adding addend: consuming Variable? = nil, as type: ElementType? = nil
) -> Variable {
    let addendSlot = addend?.slot
    let addend = addend?.value
    let elementType = x.value.elementType
    let (normalized, statistics) = normalization.forward(x.value)
    let read = resampling?.applied(to: normalized) ?? normalized
    let readShape = read.shape
    let y = arguments.forward(read, adding: addend, result: type ?? elementType)
    let inputs = [x, arguments.weight, arguments.bias] + normalization.inputs
    return result(ofSlots: inputs.map(\.slot) + [addendSlot], y) { gradient in
        addendSlot?.add(gradient)
        let gradient = gradient.converted(to: elementType)
        var between = arguments.backwardData(gradient, image: readShape)
        if let resampling { between = resampling.gradient(between) }
        let tracksWeight = arguments.weight.slot != nil
        normalization.backward(x, statistics, gradient: between, restoresResult: tracksWeight)
        if tracksWeight {
            if let resampling { between = resampling.applied(to: between) }
            arguments.backwardWeights(between, gradient: gradient)
        }
    }
}

/// Self-attention over the pixels. Shapes: qkv `[N, H, W, 3C]`, channels ordered (q/k/v, head, channel); result `[N, H, W, C]`.
package func selfAttention(_ qkv: Variable, heads: Int) -> Variable {
    let (n, h, w, channels) = (qkv.shape[0], qkv.shape[1], qkv.shape[2], qkv.shape[3] / 3)
    precondition(
        qkv.shape[3].isMultiple(of: 3 * heads), "selfAttention: \(qkv.shape[3]) channels for \(heads) heads of q, k, v")
    let kernel = SelfAttention(samples: n, pixels: h * w, heads: heads, headChannels: channels / heads)
    let y = Tensor(uninitialized: Shape(n, h, w, channels), qkv.value.elementType)
    let logSums = Tensor(uninitialized: Shape(kernel.logSumCount))
    kernel.forward(qkv.value.activations, into: y.activations, logSums: logSums.pointer)
    return result(of: [qkv], y) { gradient in
        let dx = Tensor(uninitialized: qkv.shape, qkv.value.elementType)
        kernel.backward(
            qkv.value.activations, logSums: logSums.pointer, gradient: gradient.activations, into: dx.activations)
        qkv.slot?.add(dx)
    }
}
