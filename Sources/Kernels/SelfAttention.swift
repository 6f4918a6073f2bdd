import Glibc

/// Multi-head self-attention over the pixels of an image, NHWC. T pixels, D channels of a head.
///
/// Formula, per sample and head: Z = softmax(Q Kᵀ / sqrt D), output Z V. The channels of `qkv` are ordered
/// (q/k/v, head, channel). Z is never in memory as a whole: it is made, and in the backward pass made again, for a tile
/// of query rows at a time; of the forward pass only the logarithm of each row's sum is kept.
package struct SelfAttention {
    /// Samples, pixels of a sample, heads, and channels of one head.
    package let samples: Int, pixels: Int, heads: Int, headChannels: Int

    package init(samples: Int, pixels: Int, heads: Int, headChannels: Int) {
        (self.samples, self.pixels, self.heads, self.headChannels) = (samples, pixels, heads, headChannels)
    }

    /// The query rows of one tile: as many as leave a tile of scores in a core's cache (256 KiB in float32), by the sizes
    /// alone.
    var tileRowCount: Int { max(1, min(pixels, max(32, 65_536 / pixels))) }

    var channels: Int { heads * headChannels }
    var scale: Float { 1 / Float(headChannels).squareRoot() }
    var isSmall: Bool { samples * pixels * channels < 4096 }
    var headElements: Int { pixels * headChannels }
    var tileElements: Int { tileRowCount * pixels }

    /// The floats that ``forward(_:into:logSums:)`` keeps for the backward pass.
    package var logSumCount: Int { samples * heads * pixels }

    /// Shapes: `qkv` `[samples, pixels, 3 channels]`, `result` `[samples, pixels, channels]`, both of one type;
    /// `logSums` `[samples, heads, pixels]`, written: ln of the sum over a row of exp(Q Kᵀ / sqrt D).
    package func forward(
        _ qkv: ActivationPointer, into result: ActivationPointer, logSums: UnsafeMutablePointer<Float>
    ) {
        let timer = OperationProfile.start(.attention)
        defer { timer.stop() }
        switch qkv.type {
        case .float32: forwardFloat32(UnsafePointer(qkv.elements(Float.self)), result.elements(Float.self), logSums)
        case .bfloat16:
            forwardBFloat16(
                UnsafePointer(qkv.elements(BFloat16.self)), result.elements(BFloat16.self), logSums)
        }
    }

    private func forwardFloat32(
        _ qkv: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>, _ logSums: UnsafeMutablePointer<Float>
    ) {
        let scratchCount = 4 * headElements + tileElements
        ThreadPool.forEach(samples * heads, serial: isSmall, scratchCount: scratchCount) { index, q in
            let (k, v, y) = (q + headElements, q + 2 * headElements, q + 3 * headElements)
            let z = q + 4 * headElements
            gather(qkv, index, q, k, v)
            forTiles { first, rows in
                product(q + first * headChannels, false, k, true, z, rows, headChannels, pixels, alpha: scale)
                for row in 0..<rows { logSums[index * pixels + first + row] = softmax(z + row * pixels) }
                product(z, false, v, false, y + first * headChannels, rows, pixels, headChannels)
            }
            copyRows(
                UnsafePointer(y), stride: headChannels, into: result + place(index), stride: channels, count: pixels)
        }
    }

    /// Writes the gradient of `qkv`, given that of the result and what the forward pass kept.
    ///
    /// Shapes: as the forward pass's; `gradient` as its result, of the same type.
    package func backward(
        _ qkv: ActivationPointer, logSums: UnsafePointer<Float>, gradient: ActivationPointer,
        into result: ActivationPointer
    ) {
        let timer = OperationProfile.start(.attention)
        defer { timer.stop() }
        switch qkv.type {
        case .float32:
            backwardFloat32(
                UnsafePointer(qkv.elements(Float.self)), logSums, UnsafePointer(gradient.elements(Float.self)),
                result.elements(Float.self))
        case .bfloat16:
            backwardBFloat16(
                UnsafePointer(qkv.elements(BFloat16.self)), logSums, UnsafePointer(gradient.elements(BFloat16.self)),
                result.elements(BFloat16.self))
        }
    }

    private func backwardFloat32(
        _ qkv: UnsafePointer<Float>, _ logSums: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
        _ result: UnsafeMutablePointer<Float>
    ) {
        let scratchCount = 7 * headElements + 2 * tileElements
        ThreadPool.forEach(samples * heads, serial: isSmall, scratchCount: scratchCount) { index, q in
            let (k, v, dy) = (q + headElements, q + 2 * headElements, q + 3 * headElements)
            let (dq, dk, dv) = (q + 4 * headElements, q + 5 * headElements, q + 6 * headElements)
            let z = q + 7 * headElements
            let dz = z + tileElements
            gather(qkv, index, q, k, v)
            copyRows(gradient + place(index), stride: channels, into: dy, stride: headChannels, count: pixels)
            forTiles { first, rows in
                let beta: Float = first == 0 ? 0 : 1
                let (q, dy) = (q + first * headChannels, dy + first * headChannels)
                product(q, false, k, true, z, rows, headChannels, pixels, alpha: scale)
                for row in 0..<rows { weights(z + row * pixels, logSum: logSums[index * pixels + first + row]) }
                product(z, true, dy, false, dv, pixels, rows, headChannels, beta: beta)
                product(dy, false, v, true, dz, rows, headChannels, pixels)
                for row in 0..<rows { softmaxBackward(z + row * pixels, dz + row * pixels) }
                product(dz, false, k, false, dq + first * headChannels, rows, pixels, headChannels, alpha: scale)
                product(dz, true, q, false, dk, pixels, rows, headChannels, alpha: scale, beta: beta)
            }
            let target = result + qkvPlace(index)
            copyRows(UnsafePointer(dq), stride: headChannels, into: target, stride: 3 * channels, count: pixels)
            copyRows(
                UnsafePointer(dk), stride: headChannels, into: target + channels, stride: 3 * channels, count: pixels)
            copyRows(
                UnsafePointer(dv), stride: headChannels, into: target + 2 * channels, stride: 3 * channels,
                count: pixels)
        }
    }

    /// The first element of a sample's head in an activation of `channels` and of 3 `channels` channels.
    func place(_ index: Int) -> Int { index / heads * pixels * channels + index % heads * headChannels }
    func qkvPlace(_ index: Int) -> Int { index / heads * pixels * 3 * channels + index % heads * headChannels }

    func gather<Element: VectorElement>(
        _ qkv: UnsafePointer<Element>, _ index: Int, _ q: UnsafeMutablePointer<Element>,
        _ k: UnsafeMutablePointer<Element>, _ v: UnsafeMutablePointer<Element>
    ) {
        let source = qkv + qkvPlace(index)
        copyRows(source, stride: 3 * channels, into: q, stride: headChannels, count: pixels)
        copyRows(source + channels, stride: 3 * channels, into: k, stride: headChannels, count: pixels)
        copyRows(source + 2 * channels, stride: 3 * channels, into: v, stride: headChannels, count: pixels)
    }

    /// Copies `headChannels` elements of each of `count` rows, converting.
    func copyRows<Source: VectorElement, Target: VectorElement>(
        _ source: UnsafePointer<Source>, stride sourceStride: Int, into target: UnsafeMutablePointer<Target>,
        stride targetStride: Int, count rows: Int
    ) {
        for row in 0..<rows {
            let (source, target) = (source + row * sourceStride, target + row * targetStride)
            Chunk.forEach(headChannels) { offset, count in
                Chunk.store(Chunk.load(source + offset, count), target + offset, count)
            }
        }
    }

    func forTiles(_ body: (Int, Int) -> Void) {
        for first in stride(from: 0, to: pixels, by: tileRowCount) {
            body(first, min(tileRowCount, pixels - first))
        }
    }

    private func product(
        _ a: UnsafePointer<Float>, _ transposedA: Bool, _ b: UnsafePointer<Float>, _ transposedB: Bool,
        _ c: UnsafeMutablePointer<Float>, _ rows: Int, _ inner: Int, _ columns: Int, alpha: Float = 1, beta: Float = 0
    ) {
        MatrixProduct.tileProduct(
            a, transposedA, b, transposedB, c, rows: rows, inner: inner, columns: columns,
            strideA: transposedA ? rows : inner, strideB: transposedB ? inner : columns, strideC: columns,
            alpha: alpha, beta: beta)
    }

    /// Replaces a row by its softmax and returns the logarithm of the sum of its exponentials.
    private func softmax(_ row: UnsafeMutablePointer<Float>) -> Float {
        var greatest = Lanes(repeating: -.infinity)
        Chunk.forEach(pixels) { offset, count in
            let value = Chunk.load(row + offset, count, fill: -.infinity)
            greatest = greatest.replacing(with: value, where: value .> greatest)
        }
        let maximum = greatest.max()
        var sum = Lanes.zero
        Chunk.forEach(pixels) { offset, count in
            // A lane past the end of the row holds the least exponential, e^-87, which no float sum notices.
            let value = VectorMath.exp(Chunk.load(row + offset, count, fill: -.infinity) - maximum)
            Chunk.store(value, row + offset, count)
            sum += value
        }
        let total = sum.sum()
        Elementwise.scaleRun(row, 1 / total, row, pixels)
        return maximum + log(total)
    }

    /// Replaces a row of Q Kᵀ / sqrt D by its softmax, whose sum is known.
    private func weights(_ row: UnsafeMutablePointer<Float>, logSum: Float) {
        Chunk.forEach(pixels) { offset, count in
            Chunk.store(VectorMath.exp(Chunk.load(row + offset, count) - logSum), row + offset, count)
        }
    }

    /// Replaces dZ by the gradient of the row before the softmax: z (dz - sum(z dz) / sum(z)).
    ///
    /// In exact arithmetic sum(z) is 1. Dividing by what it is after rounding makes the row's gradients sum to zero as
    /// nearly as they can, and so the gradient of a bias of the keys, which is zero: what rounding leaves of it is noise,
    /// and Adam's first steps make weights of noise.
    private func softmaxBackward(_ z: UnsafePointer<Float>, _ dz: UnsafeMutablePointer<Float>) {
        var (products, sum) = (Lanes.zero, Lanes.zero)
        Chunk.forEach(pixels) { offset, count in
            let value = Chunk.load(z + offset, count)
            products = VectorMath.multiplyAdd(value, Chunk.load(dz + offset, count), products)
            sum += value
        }
        let mean = products.sum() / sum.sum()
        Chunk.forEach(pixels) { offset, count in
            Chunk.store(Chunk.load(z + offset, count) * (Chunk.load(dz + offset, count) - mean), dz + offset, count)
        }
    }
}
