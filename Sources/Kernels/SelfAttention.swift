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

    /// The query rows of one tile: fixed, so that the bits depend on the sizes alone.
    private static let tileRowCount = 64

    private var channels: Int { heads * headChannels }
    private var scale: Float { 1 / Float(headChannels).squareRoot() }
    private var isSmall: Bool { samples * pixels * channels < 4096 }
    private var headElements: Int { pixels * headChannels }
    private var tileElements: Int { min(Self.tileRowCount, pixels) * pixels }

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
        case .float32: forward(Float.self, qkv, result, logSums)
        case .bfloat16: forward(BFloat16.self, qkv, result, logSums)
        }
    }

    private func forward<Element: VectorElement>(
        _ type: Element.Type, _ qkv: ActivationPointer, _ result: ActivationPointer,
        _ logSums: UnsafeMutablePointer<Float>
    ) {
        let (qkv, result) = (UnsafePointer(qkv.elements(type)), result.elements(type))
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
            copyRows(UnsafePointer(y), stride: headChannels, into: result + place(index), stride: channels)
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
        case .float32: backward(Float.self, qkv, logSums, gradient, result)
        case .bfloat16: backward(BFloat16.self, qkv, logSums, gradient, result)
        }
    }

    private func backward<Element: VectorElement>(
        _ type: Element.Type, _ qkv: ActivationPointer, _ logSums: UnsafePointer<Float>,
        _ gradient: ActivationPointer, _ result: ActivationPointer
    ) {
        let (qkv, gradient) = (UnsafePointer(qkv.elements(type)), UnsafePointer(gradient.elements(type)))
        let result = result.elements(type)
        let scratchCount = 7 * headElements + 2 * tileElements
        ThreadPool.forEach(samples * heads, serial: isSmall, scratchCount: scratchCount) { index, q in
            let (k, v, dy) = (q + headElements, q + 2 * headElements, q + 3 * headElements)
            let (dq, dk, dv) = (q + 4 * headElements, q + 5 * headElements, q + 6 * headElements)
            let z = q + 7 * headElements
            let dz = z + tileElements
            gather(qkv, index, q, k, v)
            copyRows(gradient + place(index), stride: channels, into: dy, stride: headChannels)
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
            copyRows(UnsafePointer(dq), stride: headChannels, into: target, stride: 3 * channels)
            copyRows(UnsafePointer(dk), stride: headChannels, into: target + channels, stride: 3 * channels)
            copyRows(UnsafePointer(dv), stride: headChannels, into: target + 2 * channels, stride: 3 * channels)
        }
    }

    /// The first element of a sample's head in an activation of `channels` and of 3 `channels` channels.
    private func place(_ index: Int) -> Int { index / heads * pixels * channels + index % heads * headChannels }
    private func qkvPlace(_ index: Int) -> Int { index / heads * pixels * 3 * channels + index % heads * headChannels }

    private func gather<Element: VectorElement>(
        _ qkv: UnsafePointer<Element>, _ index: Int, _ q: UnsafeMutablePointer<Float>,
        _ k: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>
    ) {
        let source = qkv + qkvPlace(index)
        copyRows(source, stride: 3 * channels, into: q, stride: headChannels)
        copyRows(source + channels, stride: 3 * channels, into: k, stride: headChannels)
        copyRows(source + 2 * channels, stride: 3 * channels, into: v, stride: headChannels)
    }

    /// Copies `headChannels` elements of every pixel, converting.
    private func copyRows<Source: VectorElement, Target: VectorElement>(
        _ source: UnsafePointer<Source>, stride sourceStride: Int, into target: UnsafeMutablePointer<Target>,
        stride targetStride: Int
    ) {
        for pixel in 0..<pixels {
            let (source, target) = (source + pixel * sourceStride, target + pixel * targetStride)
            Chunk.forEach(headChannels) { offset, count in
                Chunk.store(Chunk.load(source + offset, count), target + offset, count)
            }
        }
    }

    private func forTiles(_ body: (Int, Int) -> Void) {
        for first in stride(from: 0, to: pixels, by: Self.tileRowCount) {
            body(first, min(Self.tileRowCount, pixels - first))
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

    /// Replaces dZ by the gradient of the row before the softmax: z (dz - sum(z dz)).
    private func softmaxBackward(_ z: UnsafePointer<Float>, _ dz: UnsafeMutablePointer<Float>) {
        var sum = Lanes.zero
        Chunk.forEach(pixels) { offset, count in
            sum = VectorMath.multiplyAdd(Chunk.load(z + offset, count), Chunk.load(dz + offset, count), sum)
        }
        let total = sum.sum()
        Chunk.forEach(pixels) { offset, count in
            Chunk.store(Chunk.load(z + offset, count) * (Chunk.load(dz + offset, count) - total), dz + offset, count)
        }
    }
}
