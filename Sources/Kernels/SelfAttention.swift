import Glibc

/// Multi-head self-attention over the pixels of an image, NHWC. T pixels, D channels of a head.
///
/// Formula, per sample and head: Z = softmax(Q Kᵀ / sqrt D), output Z V. The channels of `qkv` are ordered
/// (head, channel, q/k/v), the field's order for this network, so q, k and v are gathered with a stride of three.
package struct SelfAttention {
    /// Samples, pixels of a sample, heads, and channels of one head.
    package let samples: Int, pixels: Int, heads: Int, headChannels: Int

    package init(samples: Int, pixels: Int, heads: Int, headChannels: Int) {
        (self.samples, self.pixels, self.heads, self.headChannels) = (samples, pixels, heads, headChannels)
    }

    private var channels: Int { heads * headChannels }
    private var scale: Float { 1 / Float(headChannels).squareRoot() }
    private var isSmall: Bool { samples * pixels * channels < 4096 }
    private var headElements: Int { pixels * headChannels }

    /// The elements that ``forward(_:into:weights:)`` keeps for the backward pass.
    package var weightCount: Int { samples * heads * pixels * pixels }

    /// Shapes: `qkv` `[samples, pixels, 3 channels]`, `result` `[samples, pixels, channels]`, `weights`
    /// `[samples, heads, pixels, pixels]`, the softmax, written.
    package func forward(
        _ qkv: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<Float>
    ) {
        let timer = OperationProfile.start(.attention)
        defer { timer.stop() }
        ThreadPool.forEach(samples * heads, serial: isSmall) { index in
            let (n, head) = (index / heads, index % heads)
            let weights = weights + index * pixels * pixels
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * headElements) { scratch in
                guard let q = scratch.baseAddress else { return }
                let (k, v) = (q + headElements, q + 2 * headElements)
                gather(qkv + n * pixels * 3 * channels, head, q, k, v)
                product(q, false, k, true, weights, pixels, headChannels, pixels, alpha: scale)
                for row in 0..<pixels { softmax(weights + row * pixels) }
                MatrixProduct.tileProduct(
                    weights, false, v, false, result + n * pixels * channels + head * headChannels, rows: pixels,
                    inner: pixels, columns: headChannels, strideA: pixels, strideB: headChannels, strideC: channels,
                    alpha: 1, beta: 0)
            }
        }
    }

    /// Writes the gradient of `qkv`, given that of the result and the weights the forward pass kept.
    package func backward(
        _ qkv: UnsafePointer<Float>, weights: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>
    ) {
        let timer = OperationProfile.start(.attention)
        defer { timer.stop() }
        ThreadPool.forEach(samples * heads, serial: isSmall) { index in
            let (n, head) = (index / heads, index % heads)
            let weights = weights + index * pixels * pixels
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 7 * headElements + pixels * pixels) { scratch in
                guard let q = scratch.baseAddress else { return }
                let (k, v, dy) = (q + headElements, q + 2 * headElements, q + 3 * headElements)
                let (dq, dk, dv) = (q + 4 * headElements, q + 5 * headElements, q + 6 * headElements)
                let dz = q + 7 * headElements
                gather(qkv + n * pixels * 3 * channels, head, q, k, v)
                for pixel in 0..<pixels {
                    (dy + pixel * headChannels).update(
                        from: gradient + (n * pixels + pixel) * channels + head * headChannels, count: headChannels)
                }
                product(weights, true, dy, false, dv, pixels, pixels, headChannels)
                product(dy, false, v, true, dz, pixels, headChannels, pixels)
                for row in 0..<pixels { softmaxBackward(weights + row * pixels, dz + row * pixels) }
                product(dz, false, k, false, dq, pixels, pixels, headChannels, alpha: scale)
                product(dz, true, q, false, dk, pixels, pixels, headChannels, alpha: scale)
                scatter(result + n * pixels * 3 * channels, head, dq, dk, dv)
            }
        }
    }

    private func product(
        _ a: UnsafePointer<Float>, _ transposedA: Bool, _ b: UnsafePointer<Float>, _ transposedB: Bool,
        _ c: UnsafeMutablePointer<Float>, _ rows: Int, _ inner: Int, _ columns: Int, alpha: Float = 1
    ) {
        MatrixProduct.tileProduct(
            a, transposedA, b, transposedB, c, rows: rows, inner: inner, columns: columns,
            strideA: transposedA ? rows : inner, strideB: transposedB ? inner : columns, strideC: columns,
            alpha: alpha, beta: 0)
    }

    private func gather(
        _ qkv: UnsafePointer<Float>, _ head: Int, _ q: UnsafeMutablePointer<Float>, _ k: UnsafeMutablePointer<Float>,
        _ v: UnsafeMutablePointer<Float>
    ) {
        for pixel in 0..<pixels {
            let source = qkv + (pixel * channels + head * headChannels) * 3
            let target = pixel * headChannels
            for d in 0..<headChannels {
                q[target + d] = source[3 * d]
                k[target + d] = source[3 * d + 1]
                v[target + d] = source[3 * d + 2]
            }
        }
    }

    private func scatter(
        _ qkv: UnsafeMutablePointer<Float>, _ head: Int, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>,
        _ v: UnsafePointer<Float>
    ) {
        for pixel in 0..<pixels {
            let target = qkv + (pixel * channels + head * headChannels) * 3
            let source = pixel * headChannels
            for d in 0..<headChannels {
                target[3 * d] = q[source + d]
                target[3 * d + 1] = k[source + d]
                target[3 * d + 2] = v[source + d]
            }
        }
    }

    /// Replaces a row by its softmax.
    private func softmax(_ row: UnsafeMutablePointer<Float>) {
        var maximum = -Float.infinity
        for column in 0..<pixels { maximum = max(maximum, row[column]) }
        var total: Float = 0
        forChunks { offset, count in
            let value = VectorMath.exp(VectorMath.load(row + offset, count: count, fill: -.infinity) - maximum)
            VectorMath.store(value, row + offset, count: count)
            for lane in 0..<count { total += value[lane] }
        }
        Elementwise.scaleRun(row, 1 / total, row, pixels)
    }

    /// Replaces dZ by the gradient of the row before the softmax: z (dz - sum(z dz)).
    private func softmaxBackward(_ z: UnsafePointer<Float>, _ dz: UnsafeMutablePointer<Float>) {
        var total: Float = 0
        for column in 0..<pixels { total += z[column] * dz[column] }
        for column in 0..<pixels { dz[column] = z[column] * (dz[column] - total) }
    }

    private func forChunks(_ body: (Int, Int) -> Void) {
        for offset in stride(from: 0, to: pixels, by: 16) { body(offset, min(16, pixels - offset)) }
    }
}
