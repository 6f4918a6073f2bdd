import Kernels

/// The low-pass filter of a change of resolution, the same along both sides.
package enum ResamplingFilter: Sendable, Equatable {
    /// [1, 1]: pixels are repeated, and averaged in blocks of 2x2.
    case box
    /// [1, 3, 3, 1], which reads and writes one pixel beyond the block; beyond the border it finds zeros.
    case binomial

    /// The pixels beyond a 2x2 block that it reads on each side.
    package var reach: Int { self == .box ? 0 : 1 }

    /// Half the resolution; constant pixels are multiplied by `gain`.
    ///
    /// `margin` pixels around `x` belong to its border, and are read instead of zeros. Shapes: x `[N, H, W, C]`, result
    /// `[N, (H - 2 margin) / 2, (W - 2 margin) / 2, C]`.
    fileprivate func halved(_ x: Tensor, margin: Int = 0, gain: Float) -> Tensor {
        let (n, h, w, c) = (x.shape[0], x.shape[1] - 2 * margin, x.shape[2] - 2 * margin, x.shape[3])
        precondition(h.isMultiple(of: 2) && w.isMultiple(of: 2), "downsample: \(x.shape) has an odd side")
        let y = Tensor(uninitialized: Shape(n, h / 2, w / 2, c), x.elementType)
        switch self {
        case .box:
            Resampling.downsample(
                x.activations, into: y.activations, samples: n, height: h / 2, width: w / 2, channels: c,
                factor: gain / 4)
        case .binomial:
            kernel(large: x.shape, margin: margin, factor: gain / 64).down(x.activations, into: y.activations)
        }
        return y
    }

    /// Twice the resolution and `margin` pixels around it; constant pixels are multiplied by `gain`, save at the border.
    fileprivate func doubled(_ x: Tensor, margin: Int = 0, gain: Float) -> Tensor {
        let (n, h, w, c) = (x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3])
        let y = Tensor(uninitialized: Shape(n, h + 2 * margin, w + 2 * margin, c), x.elementType)
        switch self {
        case .box:
            Resampling.upsample(
                x.activations, into: y.activations, samples: n, height: h / 2, width: w / 2, channels: c, factor: gain)
        case .binomial:
            kernel(large: y.shape, margin: margin, factor: gain / 16).up(x.activations, into: y.activations)
        }
        return y
    }

    private func kernel(large: Shape, margin: Int, factor: Float) -> BinomialResampling {
        BinomialResampling(
            samples: large[0], height: large[1], width: large[2], channels: large[3], padding: reach - margin,
            factor: factor)
    }
}

/// A change of resolution by a factor of two.
package enum ResolutionChange: Sendable, Equatable {
    /// `[N, H, W, C]` to `[N, 2H, 2W, C]`.
    case up(ResamplingFilter)
    /// `[N, 2H, 2W, C]` to `[N, H, W, C]`.
    case down(ResamplingFilter)

    func applied(to x: Tensor) -> Tensor {
        switch self {
        case .up(let filter): filter.doubled(x, gain: 1)
        case .down(let filter): filter.halved(x, gain: 1)
        }
    }

    /// The gradient of what it was applied to.
    func gradient(_ gradient: Tensor) -> Tensor {
        switch self {
        case .up(let filter): filter.halved(gradient, gain: 4)
        case .down(let filter): filter.doubled(gradient, gain: 0.25)
        }
    }
}

/// The image at twice or half its resolution.
package func resample(_ x: Variable, _ change: ResolutionChange) -> Variable {
    result(of: [x], change.applied(to: x.value)) { x.slot?.add(change.gradient($0)) }
}

/// Half the resolution of an image that was computed with the filter's reach around it, which the filter then reads
/// instead of zeros. Shapes: x `[N, 2H + 2 reach, 2W + 2 reach, C]`, result `[N, H, W, C]`.
package func downsampleWithMargin(_ x: Variable, _ filter: ResamplingFilter) -> Variable {
    result(of: [x], filter.halved(x.value, margin: filter.reach, gain: 1)) {
        x.slot?.add(filter.doubled($0, margin: filter.reach, gain: 0.25))
    }
}
