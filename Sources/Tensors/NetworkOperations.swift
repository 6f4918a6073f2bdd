import Kernels

/// The packed forms of one convolution's weights, one for each batch shape and direction, remade when the weights change.
package final class PackedWeights {
    private struct Entry {
        var version: Int
        let storage: Storage
    }
    private var forward: [ObjectIdentifier: Entry] = [:]
    private var backward: [ObjectIdentifier: Entry] = [:]

    package init() {}

    fileprivate func forward(_ plan: Convolution, _ weight: Tensor, version: Int) -> Storage {
        Self.current(&forward, plan, version, plan.packedForwardByteCount) {
            plan.packForward(weight.pointer, into: $0)
        }
    }

    fileprivate func backward(_ plan: Convolution, _ weight: Tensor, version: Int) -> Storage {
        Self.current(&backward, plan, version, plan.packedBackwardByteCount) {
            plan.packBackward(weight.pointer, into: $0)
        }
    }

    private static func current(
        _ entries: inout [ObjectIdentifier: Entry], _ plan: Convolution, _ version: Int, _ byteCount: Int,
        pack: (UnsafeMutableRawPointer) -> Void
    ) -> Storage {
        // Plans live as long as the process, so their identities are not reused.
        let key = ObjectIdentifier(plan)
        if let entry = entries[key], entry.version == version { return entry.storage }
        let storage = entries[key]?.storage ?? StoragePool.take((byteCount + 3) / 4)
        pack(storage.pointer)
        entries[key] = Entry(version: version, storage: storage)
        return storage
    }
}

/// Two-dimensional convolution. Shapes: x `[N, H, W, C]`, weight `[K, C, k, k]`, bias `[K]`, result `[N, OH, OW, K]`.
///
/// `packed` is the layer's own; `version` changes whenever the weight's values do.
package func convolution(
    _ x: Variable, weight: Variable, bias: Variable, stride: Int, padding: Int, packed: PackedWeights, version: Int
) -> Variable {
    precondition(weight.shape[1] == x.shape[3], "convolution: input \(x.shape), weight \(weight.shape)")
    let plan = Convolution.plan(
        ConvolutionShape(
            samples: x.shape[0], height: x.shape[1], width: x.shape[2], inputChannels: x.shape[3],
            outputChannels: weight.shape[0], kernel: weight.shape[2], stride: stride, padding: padding))
    let kernel = weight.shape[2]
    let outputHeight = (x.shape[1] + 2 * padding - kernel) / stride + 1
    let outputWidth = (x.shape[2] + 2 * padding - kernel) / stride + 1
    let y = Tensor(uninitialized: Shape(x.shape[0], outputHeight, outputWidth, weight.shape[0]))
    let forwardWeights = packed.forward(plan, weight.value, version: version)
    plan.forward(
        x.value.pointer, packed: forwardWeights.pointer, bias: bias.value.pointer, into: y.pointer)
    return result(of: [x, weight, bias], y) { gradient in
        if let weightSlot = weight.slot {
            let scratch = StoragePool.take(plan.gradientScratchCount)
            plan.backwardWeights(
                x.value.pointer, gradient: gradient.pointer, weights: weightSlot.accumulator,
                bias: bias.slot?.accumulator, scratch: scratch.pointer)
        }
        if let slot = x.slot {
            let dx = Tensor(uninitialized: x.shape)
            let backwardWeights = packed.backward(plan, weight.value, version: version)
            plan.backwardData(gradient.pointer, packed: backwardWeights.pointer, into: dx.pointer)
            slot.add(dx)
        }
    }
}

/// Group normalisation, modulation and SiLU in one: see `Kernels.GroupNormalization` for the formula.
///
/// Shapes: x `[N, H, W, C]`, gamma and beta `[C]`, modulation `[N, 2C]` (scale, then shift).
package func groupNormalization(
    _ x: Variable, gamma: Variable, beta: Variable, modulation: Variable? = nil, groups: Int, epsilon: Float,
    activates: Bool
) -> Variable {
    let (n, pixels, channels) = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    if let modulation {
        precondition(
            modulation.shape == Shape(n, 2 * channels),
            "groupNormalization: modulation \(modulation.shape) of \(x.shape)")
    }
    let kernel = GroupNormalization(
        samples: n, pixels: pixels, channels: channels, groups: groups, epsilon: epsilon, activates: activates)
    let y = Tensor(uninitialized: x.shape)
    let statistics = Tensor(uninitialized: Shape(2, n, groups))
    let (mean, rstd) = (statistics.pointer, statistics.pointer + n * groups)
    kernel.forward(
        x.value.pointer, .init(gamma: gamma.value.pointer, beta: beta.value.pointer),
        modulation: modulation.map { UnsafePointer($0.value.pointer) }, into: y.pointer, mean: mean, rstd: rstd)
    return result(of: [x, gamma, beta] + (modulation.map { [$0] } ?? []), y) { gradient in
        let dx = Tensor(uninitialized: x.shape)
        let modulationGradient = modulation?.slot.map { _ in Tensor(uninitialized: Shape(n, 2 * channels)) }
        kernel.backward(
            x.value.pointer, .init(gamma: gamma.value.pointer, beta: beta.value.pointer),
            modulation: modulation.map { UnsafePointer($0.value.pointer) }, mean: statistics.pointer,
            rstd: statistics.pointer + n * groups, gradient: gradient.pointer, into: dx.pointer,
            gammaGradient: gamma.slot?.accumulator, betaGradient: beta.slot?.accumulator,
            modulationGradient: modulationGradient?.pointer)
        x.slot?.add(dx)
        if let modulationGradient { modulation?.slot?.add(modulationGradient) }
    }
}

/// Self-attention over the pixels. Shapes: qkv `[N, H, W, 3C]`, channels ordered (head, channel, q/k/v); result `[N, H, W, C]`.
package func selfAttention(_ qkv: Variable, heads: Int) -> Variable {
    let (n, h, w, channels) = (qkv.shape[0], qkv.shape[1], qkv.shape[2], qkv.shape[3] / 3)
    precondition(
        qkv.shape[3].isMultiple(of: 3 * heads), "selfAttention: \(qkv.shape[3]) channels for \(heads) heads of q, k, v")
    let kernel = SelfAttention(samples: n, pixels: h * w, heads: heads, headChannels: channels / heads)
    let y = Tensor(uninitialized: Shape(n, h, w, channels))
    let weights = Tensor(uninitialized: Shape(kernel.weightCount))
    kernel.forward(qkv.value.pointer, into: y.pointer, weights: weights.pointer)
    return result(of: [qkv], y) { gradient in
        let dx = Tensor(uninitialized: qkv.shape)
        kernel.backward(
            qkv.value.pointer, weights: weights.pointer, gradient: gradient.pointer, into: dx.pointer)
        qkv.slot?.add(dx)
    }
}
