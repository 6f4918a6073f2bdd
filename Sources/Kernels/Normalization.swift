import Glibc

/// Group normalisation with everything that follows it in a residual block, NHWC, in one pass over the pixels.
///
/// Formula, for a channel c of group g of sample n: y = act((x - mean_ng) rstd_ng gamma_c + beta_c) without modulation;
/// act(((x - mean_ng) rstd_ng gamma_c + beta_c) (1 + scale_nc) + shift_nc) with it. act is SiLU or nothing.
/// All of it is y = act(x a + b) with two coefficients per sample and channel; only mean and rstd are kept.
package struct GroupNormalization {
    /// Samples, pixels of a sample (height times width), channels and groups.
    package let samples: Int, pixels: Int, channels: Int, groups: Int
    /// Added to the variance.
    package let epsilon: Float
    /// True where SiLU follows.
    package let activates: Bool

    private var channelsPerGroup: Int { channels / groups }
    private var isSmall: Bool { samples * pixels * channels < 16_384 }

    /// Traps: if the groups do not divide the channels.
    package init(samples: Int, pixels: Int, channels: Int, groups: Int, epsilon: Float, activates: Bool) {
        precondition(
            channels.isMultiple(of: groups),
            "GroupNormalization: \(channels) channels do not fall into \(groups) groups")
        (self.samples, self.pixels, self.channels, self.groups) = (samples, pixels, channels, groups)
        (self.epsilon, self.activates) = (epsilon, activates)
    }

    /// Learned scale and offset `[channels]` each.
    package struct Affine {
        package let gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>
        package init(gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>) {
            (self.gamma, self.beta) = (gamma, beta)
        }
    }

    /// Writes the result and the statistics that the backward pass needs.
    ///
    /// Shapes: `x`, `result` `[samples, pixels, channels]`; `modulation` `[samples, 2 channels]`, scale then shift;
    /// `mean`, `rstd` `[samples, groups]`.
    package func forward(
        _ x: UnsafePointer<Float>, _ affine: Affine, modulation: UnsafePointer<Float>?,
        into result: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>, rstd: UnsafeMutablePointer<Float>
    ) {
        let timer = OperationProfile.start(.normalization)
        defer { timer.stop() }
        ThreadPool.forEach(samples, serial: isSmall) { n in
            let source = x + n * pixels * channels
            let target = result + n * pixels * channels
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * channels) { scratch in
                guard let a = scratch.baseAddress else { return }
                let b = a + channels
                measure(source, scratch: a, mean: mean + n * groups, rstd: rstd + n * groups)
                let modulation = modulation.map { $0 + n * 2 * channels }
                for c in 0..<channels {
                    (a[c], b[c]) = coefficients(c, affine, modulation, mean + n * groups, rstd + n * groups)
                }
                forChunks { offset, count in
                    let (a, b) = (chunk(a + offset, count), chunk(b + offset, count))
                    for pixel in 0..<pixels {
                        let index = pixel * channels + offset
                        let p = chunk(source + index, count) * a + b
                        store(activates ? VectorMath.silu(p) : p, target + index, count)
                    }
                }
            }
        }
    }

    /// Writes the gradient of x; adds those of gamma and beta; writes that of the modulation.
    ///
    /// Shapes: `gradient` and `result` as x; `gammaGradient`, `betaGradient` `[channels]`, added to, or nil where the
    /// weights are frozen; `modulationGradient` `[samples, 2 channels]`, written, or nil.
    package func backward(
        _ x: UnsafePointer<Float>, _ affine: Affine, modulation: UnsafePointer<Float>?,
        mean: UnsafePointer<Float>, rstd: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>, gammaGradient: UnsafeMutablePointer<Float>?,
        betaGradient: UnsafeMutablePointer<Float>?, modulationGradient: UnsafeMutablePointer<Float>?
    ) {
        let timer = OperationProfile.start(.normalization)
        defer { timer.stop() }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * samples * channels) { sums in
            guard let sums = sums.baseAddress else { return }
            ThreadPool.forEach(samples, serial: isSmall) { n in
                backwardOfSample(
                    n, x, affine, modulation.map { $0 + n * 2 * channels }, mean + n * groups, rstd + n * groups,
                    gradient, result, sums: sums + n * 2 * channels)
            }
            for n in 0..<samples {
                let (sumP, sumPX) = (sums + n * 2 * channels, sums + (n * 2 + 1) * channels)
                for c in 0..<channels {
                    let scale = 1 + (modulation.map { $0[n * 2 * channels + c] } ?? 0)
                    gammaGradient?[c] += scale * sumPX[c]
                    betaGradient?[c] += scale * sumP[c]
                    modulationGradient?[n * 2 * channels + c] = affine.gamma[c] * sumPX[c] + affine.beta[c] * sumP[c]
                    modulationGradient?[(n * 2 + 1) * channels + c] = sumP[c]
                }
            }
        }
    }

    /// One sample of the backward pass; leaves sum(dp) and sum(dp xhat) over the pixels in `sums`, dp = dy act'(p).
    private func backwardOfSample(
        _ n: Int, _ x: UnsafePointer<Float>, _ affine: Affine, _ modulation: UnsafePointer<Float>?,
        _ mean: UnsafePointer<Float>, _ rstd: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
        _ result: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>
    ) {
        let source = x + n * pixels * channels
        let gradient = gradient + n * pixels * channels
        let target = result + n * pixels * channels
        let (sumP, sumPX) = (sums, sums + channels)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * channels) { scratch in
            guard let a = scratch.baseAddress else { return }
            let (b, center, scale) = (a + channels, a + 2 * channels, a + 3 * channels)
            for c in 0..<channels {
                (a[c], b[c]) = coefficients(c, affine, modulation, mean, rstd)
                center[c] = mean[c / channelsPerGroup]
                scale[c] = rstd[c / channelsPerGroup]
            }
            // First pass: dp into the target, its sums into `sums`.
            forChunks { offset, count in
                let (a, b) = (chunk(a + offset, count), chunk(b + offset, count))
                let (center, scale) = (chunk(center + offset, count), chunk(scale + offset, count))
                var (total, totalX) = (Lanes.zero, Lanes.zero)
                for pixel in 0..<pixels {
                    let index = pixel * channels + offset
                    let value = chunk(source + index, count)
                    var dp = chunk(gradient + index, count)
                    if activates { dp *= VectorMath.siluDerivative(value * a + b) }
                    total += dp
                    totalX += dp * ((value - center) * scale)
                    store(dp, target + index, count)
                }
                store(total, sumP + offset, count)
                store(totalX, sumPX + offset, count)
            }
            // dx = a dp - rstd (m1 + xhat m2) = a dp + x k1 + k0, m1 and m2 the group means of g dp and g dp xhat.
            for group in 0..<groups {
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
                    let k1 = -rstd[group] * rstd[group] * m2
                    b[c] = k1
                    center[c] = -rstd[group] * m1 - mean[group] * k1
                }
            }
            forChunks { offset, count in
                let (a, k1, k0) = (chunk(a + offset, count), chunk(b + offset, count), chunk(center + offset, count))
                for pixel in 0..<pixels {
                    let index = pixel * channels + offset
                    let value = chunk(target + index, count) * a + (chunk(source + index, count) * k1 + k0)
                    store(value, target + index, count)
                }
            }
        }
    }

    /// The two coefficients of channel `c`: p = x a + b.
    @inline(__always)
    private func coefficients(
        _ c: Int, _ affine: Affine, _ modulation: UnsafePointer<Float>?, _ mean: UnsafePointer<Float>,
        _ rstd: UnsafePointer<Float>
    ) -> (Float, Float) {
        let group = c / channelsPerGroup
        let a = rstd[group] * affine.gamma[c]
        let b = affine.beta[c] - mean[group] * a
        guard let modulation else { return (a, b) }
        let scale = 1 + modulation[c]
        return (a * scale, b * scale + modulation[channels + c])
    }

    /// Mean and reciprocal standard deviation of each group: two passes, since E[x²] - mean² cancels.
    private func measure(
        _ x: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>,
        rstd: UnsafeMutablePointer<Float>
    ) {
        let size = Float(pixels * channelsPerGroup)
        let (sums, center) = (scratch, scratch + channels)
        forChunks { offset, count in
            var total = Lanes.zero
            for pixel in 0..<pixels { total += chunk(x + pixel * channels + offset, count) }
            store(total, sums + offset, count)
        }
        for group in 0..<groups { mean[group] = groupSum(sums, group) / size }
        for c in 0..<channels { center[c] = mean[c / channelsPerGroup] }
        forChunks { offset, count in
            let center = chunk(center + offset, count)
            var total = Lanes.zero
            for pixel in 0..<pixels {
                let difference = chunk(x + pixel * channels + offset, count) - center
                total += difference * difference
            }
            store(total, sums + offset, count)
        }
        for group in 0..<groups { rstd[group] = 1 / (groupSum(sums, group) / size + epsilon).squareRoot() }
    }

    private func groupSum(_ sums: UnsafePointer<Float>, _ group: Int) -> Float {
        var total: Float = 0
        for c in group * channelsPerGroup..<(group + 1) * channelsPerGroup { total += sums[c] }
        return total
    }

    /// Calls `body` with the offset and length of each run of up to sixteen channels.
    @inline(__always)
    private func forChunks(_ body: (Int, Int) -> Void) {
        var offset = 0
        while offset + 16 <= channels {
            body(offset, 16)
            offset += 16
        }
        if offset < channels { body(offset, channels - offset) }
    }

    @inline(__always)
    private func chunk(_ pointer: UnsafePointer<Float>, _ count: Int) -> Lanes {
        count == 16 ? pointer.lanes(0) : VectorMath.load(pointer, count: count)
    }

    @inline(__always)
    private func store(_ value: Lanes, _ pointer: UnsafeMutablePointer<Float>, _ count: Int) {
        if count == 16 { pointer.store(value, 0) } else { VectorMath.store(value, pointer, count: count) }
    }
}
