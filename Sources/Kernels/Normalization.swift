import Glibc

/// Group normalisation with everything that follows it in a residual block, NHWC.
///
/// Formula, for a channel c of group g of sample n: y = act((x - mean_ng) rstd_ng gamma_c + beta_c) without modulation;
/// act(((x - mean_ng) rstd_ng gamma_c + beta_c) (1 + scale_nc) + shift_nc) with it. act is SiLU or nothing.
/// All of it is y = act(x a + b) with two coefficients per sample and channel; only mean and rstd are kept, and the
/// backward pass makes y again on its way.
///
/// Work is shared out by sample and panel, a run of channels of whole groups that stays in a core's cache between the
/// passes over it; the cut depends on the sizes alone.
package struct GroupNormalization {
    /// Samples, pixels of a sample (height times width), channels and groups.
    package let samples: Int, pixels: Int, channels: Int, groups: Int
    /// Added to the variance.
    package let epsilon: Float
    /// True where SiLU follows.
    package let activates: Bool

    private let panelChannels: Int

    private var channelsPerGroup: Int { channels / groups }
    private var panels: Int { channels / panelChannels }
    private var isSmall: Bool { samples * pixels * channels < 16_384 }

    /// Traps: if the groups do not divide the channels.
    package init(samples: Int, pixels: Int, channels: Int, groups: Int, epsilon: Float, activates: Bool) {
        precondition(
            channels.isMultiple(of: groups),
            "GroupNormalization: \(channels) channels do not fall into \(groups) groups")
        (self.samples, self.pixels, self.channels, self.groups) = (samples, pixels, channels, groups)
        (self.epsilon, self.activates) = (epsilon, activates)
        panelChannels = Self.panelChannels(channels: channels, channelsPerGroup: channels / groups)
    }

    /// The least number of channels from 64 on that are whole groups and whole vectors and divide all channels; else all.
    private static func panelChannels(channels: Int, channelsPerGroup: Int) -> Int {
        stride(from: 64, to: channels, by: 16).first {
            $0.isMultiple(of: channelsPerGroup) && channels.isMultiple(of: $0)
        } ?? channels
    }

    /// Learned scale and offset `[channels]` each.
    package struct Affine {
        package let gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>
        package init(gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>) {
            (self.gamma, self.beta) = (gamma, beta)
        }
    }

    /// What the forward pass computes of each sample and group, `[samples, groups]` each.
    package struct Statistics {
        package let mean: UnsafeMutablePointer<Float>, rstd: UnsafeMutablePointer<Float>
        package init(mean: UnsafeMutablePointer<Float>, rstd: UnsafeMutablePointer<Float>) {
            (self.mean, self.rstd) = (mean, rstd)
        }
    }

    /// The gradients besides that of x; each may be nil where it is not wanted.
    package struct ParameterGradients {
        /// `[channels]` each, added to.
        package let gamma: UnsafeMutablePointer<Float>?, beta: UnsafeMutablePointer<Float>?
        /// `[samples, 2 channels]`, written.
        package let modulation: UnsafeMutablePointer<Float>?

        package init(
            gamma: UnsafeMutablePointer<Float>?, beta: UnsafeMutablePointer<Float>?,
            modulation: UnsafeMutablePointer<Float>?
        ) {
            (self.gamma, self.beta, self.modulation) = (gamma, beta, modulation)
        }
    }

    /// Writes the result and the statistics that the backward pass needs.
    ///
    /// Shapes: `x`, `result` `[samples, pixels, channels]` of one type; `modulation` `[samples, 2 channels]`, scale then
    /// shift.
    package func forward(
        _ x: ActivationPointer, _ affine: Affine, modulation: UnsafePointer<Float>?, into result: ActivationPointer,
        statistics: Statistics
    ) {
        let timer = OperationProfile.start(.normalization)
        defer { timer.stop() }
        switch x.type {
        case .float32: forward(Float.self, x, affine, modulation, result, statistics)
        case .bfloat16: forward(BFloat16.self, x, affine, modulation, result, statistics)
        }
    }

    private func forward<Element: VectorElement>(
        _ type: Element.Type, _ x: ActivationPointer, _ affine: Affine, _ modulation: UnsafePointer<Float>?,
        _ result: ActivationPointer, _ statistics: Statistics
    ) {
        let (x, result) = (x.elements(type), result.elements(type))
        ThreadPool.forEach(samples * panels, serial: isSmall) { index in
            let panel = Panel(of: self, index)
            let source = UnsafePointer(x + panel.offset)
            let target = result + panel.offset
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * panelChannels) { scratch in
                guard let a = scratch.baseAddress else { return }
                let b = a + panelChannels
                measure(source, panel, scratch: a, statistics)
                coefficients(panel, affine, modulation, statistics, a, b)
                Chunk.forEach(panelChannels) { offset, count in
                    let (a, b) = (Chunk.load(a + offset, count), Chunk.load(b + offset, count))
                    for pixel in 0..<pixels {
                        let index = pixel * channels + offset
                        let p = VectorMath.multiplyAdd(Chunk.load(source + index, count), a, b)
                        Chunk.store(activates ? VectorMath.silu(p) : p, target + index, count)
                    }
                }
            }
        }
    }

    /// Writes the gradient of x, and of the parameters what is wanted.
    ///
    /// Shapes: `x`, `gradient`, `result`, `addend` and `output` `[samples, pixels, channels]` of one type. `addend`, which
    /// may not be `result`'s memory, is added to the gradient of x, say that of the residual path. `output`, which may be
    /// the memory of `gradient`, receives the forward pass's result once more.
    package func backward(
        _ x: ActivationPointer, _ affine: Affine, modulation: UnsafePointer<Float>?, statistics: Statistics,
        gradient: ActivationPointer, adding addend: ActivationPointer? = nil, into result: ActivationPointer,
        restoring output: ActivationPointer? = nil, _ parameters: ParameterGradients
    ) {
        let timer = OperationProfile.start(.normalization)
        defer { timer.stop() }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * samples * channels) { sums in
            guard let sums = sums.baseAddress else { return }
            func run<Element: VectorElement>(_ type: Element.Type) {
                let arrays = BackwardArrays(
                    x: x.elements(type), gradient: gradient.elements(type), addend: addend?.elements(type),
                    result: result.elements(type), output: output?.elements(type))
                ThreadPool.forEach(samples * panels, serial: isSmall) { index in
                    backward(Panel(of: self, index), arrays, affine, modulation, statistics, sums)
                }
            }
            switch x.type {
            case .float32: run(Float.self)
            case .bfloat16: run(BFloat16.self)
            }
            addParameterGradients(affine, modulation, sums, parameters)
        }
    }

    private func addParameterGradients(
        _ affine: Affine, _ modulation: UnsafePointer<Float>?, _ sums: UnsafePointer<Float>,
        _ parameters: ParameterGradients
    ) {
        for n in 0..<samples {
            let (sumP, sumPX) = (sums + n * 2 * channels, sums + (n * 2 + 1) * channels)
            for c in 0..<channels {
                let scale = 1 + (modulation.map { $0[n * 2 * channels + c] } ?? 0)
                parameters.gamma?[c] += scale * sumPX[c]
                parameters.beta?[c] += scale * sumP[c]
                parameters.modulation?[n * 2 * channels + c] = affine.gamma[c] * sumPX[c] + affine.beta[c] * sumP[c]
                parameters.modulation?[(n * 2 + 1) * channels + c] = sumP[c]
            }
        }
    }

    /// A sample's run of channels.
    private struct Panel {
        let sample: Int, firstChannel: Int, firstGroup: Int
        /// The first element in an activation.
        let offset: Int

        init(of kernel: GroupNormalization, _ index: Int) {
            sample = index / kernel.panels
            firstChannel = index % kernel.panels * kernel.panelChannels
            firstGroup = firstChannel / kernel.channelsPerGroup
            offset = sample * kernel.pixels * kernel.channels + firstChannel
        }
    }

    private struct BackwardArrays<Element: VectorElement> {
        let x: UnsafeMutablePointer<Element>, gradient: UnsafeMutablePointer<Element>
        let addend: UnsafeMutablePointer<Element>?
        let result: UnsafeMutablePointer<Element>
        let output: UnsafeMutablePointer<Element>?
    }

    /// One panel of the backward pass; leaves sum(dp) and sum(dp xhat) over the pixels in `sums` `[samples, 2, channels]`,
    /// dp = dy act'(p).
    private func backward<Element: VectorElement>(
        _ panel: Panel, _ arrays: BackwardArrays<Element>, _ affine: Affine, _ modulation: UnsafePointer<Float>?,
        _ statistics: Statistics, _ sums: UnsafeMutablePointer<Float>
    ) {
        let source = UnsafePointer(arrays.x + panel.offset)
        let gradient = UnsafePointer(arrays.gradient + panel.offset)
        let target = arrays.result + panel.offset
        let output = arrays.output.map { $0 + panel.offset }
        let sumP = sums + panel.sample * 2 * channels + panel.firstChannel
        let sumPX = sumP + channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * panelChannels) { scratch in
            guard let a = scratch.baseAddress else { return }
            let (b, k1, k0) = (a + panelChannels, a + 2 * panelChannels, a + 3 * panelChannels)
            coefficients(panel, affine, modulation, statistics, a, b)
            let mean = statistics.mean + panel.sample * groups + panel.firstGroup
            let rstd = statistics.rstd + panel.sample * groups + panel.firstGroup
            for c in 0..<panelChannels {
                k1[c] = rstd[c / channelsPerGroup]
                k0[c] = -mean[c / channelsPerGroup] * k1[c]
            }
            // First pass: dp into the target, its sums into `sums`; xhat = x k1 + k0.
            Chunk.forEach(panelChannels) { offset, count in
                let (a, b) = (Chunk.load(a + offset, count), Chunk.load(b + offset, count))
                let (k1, k0) = (Chunk.load(k1 + offset, count), Chunk.load(k0 + offset, count))
                var (total, totalX) = (Lanes.zero, Lanes.zero)
                for pixel in 0..<pixels {
                    let index = pixel * channels + offset
                    let value = Chunk.load(source + index, count)
                    var dp = Chunk.load(gradient + index, count)
                    var y = VectorMath.multiplyAdd(value, a, b)
                    if activates {
                        // y = p s, and silu'(p) = s + y (1 - s), with s the logistic function of p.
                        let s = VectorMath.logistic(y)
                        y *= s
                        dp *= VectorMath.multiplyAdd(y, 1 - s, s)
                    }
                    total += dp
                    totalX = VectorMath.multiplyAdd(dp, VectorMath.multiplyAdd(value, k1, k0), totalX)
                    if let output { Chunk.store(y, output + index, count) }
                    Chunk.store(dp, target + index, count)
                }
                Chunk.store(total, sumP + offset, count)
                Chunk.store(totalX, sumPX + offset, count)
            }
            // dx = a dp - rstd (m1 + xhat m2) = a dp + x k1 + k0, m1 and m2 the group means of g dp and g dp xhat.
            for group in 0..<panelChannels / channelsPerGroup {
                var (m1, m2): (Float, Float) = (0, 0)
                let channelRange = group * channelsPerGroup..<(group + 1) * channelsPerGroup
                for c in channelRange {
                    let g = a[c] / rstd[group]
                    m1 += g * sumP[c]
                    m2 += g * sumPX[c]
                }
                let size = Float(pixels * channelsPerGroup)
                (m1, m2) = (m1 / size, m2 / size)
                for c in channelRange {
                    k1[c] = -rstd[group] * rstd[group] * m2
                    k0[c] = -rstd[group] * m1 - mean[group] * k1[c]
                }
            }
            let addend = arrays.addend.map { UnsafePointer($0 + panel.offset) }
            Chunk.forEach(panelChannels) { offset, count in
                let a = Chunk.load(a + offset, count)
                let (k1, k0) = (Chunk.load(k1 + offset, count), Chunk.load(k0 + offset, count))
                for pixel in 0..<pixels {
                    let index = pixel * channels + offset
                    let rest = VectorMath.multiplyAdd(Chunk.load(source + index, count), k1, k0)
                    var value = VectorMath.multiplyAdd(Chunk.load(target + index, count), a, rest)
                    if let addend { value += Chunk.load(addend + index, count) }
                    Chunk.store(value, target + index, count)
                }
            }
        }
    }

    /// The two coefficients of each channel of a panel: p = x a + b.
    private func coefficients(
        _ panel: Panel, _ affine: Affine, _ modulation: UnsafePointer<Float>?, _ statistics: Statistics,
        _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>
    ) {
        let mean = statistics.mean + panel.sample * groups + panel.firstGroup
        let rstd = statistics.rstd + panel.sample * groups + panel.firstGroup
        let (gamma, beta) = (affine.gamma + panel.firstChannel, affine.beta + panel.firstChannel)
        for c in 0..<panelChannels {
            let group = c / channelsPerGroup
            a[c] = rstd[group] * gamma[c]
            b[c] = beta[c] - mean[group] * a[c]
        }
        guard let modulation else { return }
        let scale = modulation + panel.sample * 2 * channels + panel.firstChannel
        let shift = scale + channels
        for c in 0..<panelChannels {
            a[c] *= 1 + scale[c]
            b[c] = b[c] * (1 + scale[c]) + shift[c]
        }
    }

    /// Mean and reciprocal standard deviation of each group of a panel, in one pass.
    ///
    /// Each channel is measured from its own first pixel, so that what cancels is of the size of its deviation and not
    /// of its mean; the channels of a group are then brought together about the group's mean, in double precision.
    private func measure<Element: VectorElement>(
        _ x: UnsafePointer<Element>, _ panel: Panel, scratch: UnsafeMutablePointer<Float>, _ statistics: Statistics
    ) {
        let (sums, squares, pivots) = (scratch, scratch + panelChannels, scratch + 2 * panelChannels)
        Chunk.forEach(panelChannels) { offset, count in
            let pivot = Chunk.load(x + offset, count)
            var (sum, square) = (Lanes.zero, Lanes.zero)
            for pixel in 0..<pixels {
                let difference = Chunk.load(x + pixel * channels + offset, count) - pivot
                sum += difference
                square = VectorMath.multiplyAdd(difference, difference, square)
            }
            Chunk.store(pivot, pivots + offset, count)
            Chunk.store(sum, sums + offset, count)
            Chunk.store(square, squares + offset, count)
        }
        let size = Double(pixels)
        for group in 0..<panelChannels / channelsPerGroup {
            let range = group * channelsPerGroup..<(group + 1) * channelsPerGroup
            var mean = 0.0
            for c in range { mean += Double(pivots[c]) + Double(sums[c]) / size }
            mean /= Double(channelsPerGroup)
            var deviation = 0.0
            for c in range {
                let shift = Double(pivots[c]) - mean
                // Sum of (d + shift)² over the pixels, d the differences from the pivot.
                deviation += Double(squares[c]) + shift * (2 * Double(sums[c]) + size * shift)
            }
            let variance = max(0, deviation / (size * Double(channelsPerGroup)))
            let index = panel.sample * groups + panel.firstGroup + group
            statistics.mean[index] = Float(mean)
            statistics.rstd[index] = Float(1 / (variance + Double(epsilon)).squareRoot())
        }
    }
}
