import Glibc

/// The same in bfloat16: operands of products are bfloat16, scores, softmax and sums float32.
extension SelfAttention {
    /// The products of one head, for tiles of full height and for the last one.
    private struct Products {
        let scores: TileProduct, values: TileProduct
        let keyGradient: TileProduct, firstKeyGradient: TileProduct

        init(rows: Int, pixels: Int, channels: Int) {
            scores = .plan(.init(rows: rows, inner: channels, columns: pixels, transposedB: true))
            values = .plan(.init(rows: rows, inner: pixels, columns: channels))
            var transposed = TileProduct.Shape(rows: pixels, inner: rows, columns: channels, transposedA: true)
            firstKeyGradient = .plan(transposed)
            transposed.adds = true
            keyGradient = .plan(transposed)
        }
    }

    /// The floats that any of a head's products needs, in whole vectors.
    private func productScratchCount(_ products: Products...) -> Int {
        let counts = products.flatMap {
            [$0.scores, $0.values, $0.keyGradient, $0.firstKeyGradient].map(\.scratchCount)
        }
        return ((counts.max() ?? 0) + 15) / 16 * 16
    }

    private var full: Products { Products(rows: tileRowCount, pixels: pixels, channels: headChannels) }
    private var last: Products {
        let rest = pixels % tileRowCount
        return Products(rows: rest == 0 ? tileRowCount : rest, pixels: pixels, channels: headChannels)
    }

    func forwardBFloat16(
        _ qkv: UnsafePointer<BFloat16>, _ result: UnsafeMutablePointer<BFloat16>,
        _ logSums: UnsafeMutablePointer<Float>
    ) {
        let (full, last) = (full, last)
        // In floats: three heads and a tile of weights in half of them, a tile of scores and of the result.
        let productScratchCount = productScratchCount(full, last)
        let scratchCount = productScratchCount + 2 * headElements + 2 * tileElements + tileRowCount * headChannels
        ThreadPool.forEach(samples * heads, serial: isSmall, scratchCount: scratchCount) { index, scratch in
            let z = scratch + productScratchCount
            let y = z + tileElements
            let q = bfloat16(y + tileRowCount * headChannels)
            let (k, v) = (q + headElements, q + 2 * headElements)
            let weights = v + headElements
            gather(qkv, index, q, k, v)
            forTiles { first, rows in
                let products = rows == tileRowCount ? full : last
                products.scores.run(q + first * headChannels, k, into: z, scratch: scratch)
                for row in 0..<rows {
                    logSums[index * pixels + first + row] = softmax(z + row * pixels, into: weights + row * pixels)
                }
                products.values.run(weights, v, into: y, scratch: scratch)
                copyRows(
                    UnsafePointer(y), stride: headChannels, into: result + place(index) + first * channels,
                    stride: channels, count: rows)
            }
        }
    }

    func backwardBFloat16(
        _ qkv: UnsafePointer<BFloat16>, _ logSums: UnsafePointer<Float>, _ gradient: UnsafePointer<BFloat16>,
        _ result: UnsafeMutablePointer<BFloat16>
    ) {
        let (full, last) = (full, last)
        // In floats: two tiles of scores, a tile of dq, dk and dv; then four heads and two tiles in half of them.
        let floats = 2 * tileElements + tileRowCount * headChannels + 2 * headElements
        let productScratchCount = productScratchCount(full, last)
        let scratchCount = productScratchCount + floats + 2 * headElements + tileElements
        ThreadPool.forEach(samples * heads, serial: isSmall, scratchCount: scratchCount) { index, scratch in
            let z = scratch + productScratchCount
            let dz = z + tileElements
            let dq = dz + tileElements
            let dk = dq + tileRowCount * headChannels
            let dv = dk + headElements
            let q = bfloat16(z + floats)
            let (k, v, dy) = (q + headElements, q + 2 * headElements, q + 3 * headElements)
            let weights = dy + headElements
            let slopes = weights + tileElements
            gather(qkv, index, q, k, v)
            copyRows(gradient + place(index), stride: channels, into: dy, stride: headChannels, count: pixels)
            let target = result + qkvPlace(index)
            forTiles { first, rows in
                let products = rows == tileRowCount ? full : last
                let (q, dy) = (q + first * headChannels, dy + first * headChannels)
                products.scores.run(q, k, into: z, scratch: scratch)
                products.scores.run(dy, v, into: dz, scratch: scratch)
                for row in 0..<rows {
                    slope(
                        z + row * pixels, logSum: logSums[index * pixels + first + row], dz + row * pixels,
                        weights: weights + row * pixels, into: slopes + row * pixels)
                }
                (first == 0 ? products.firstKeyGradient : products.keyGradient).run(
                    weights, dy, into: dv, scratch: scratch)
                (first == 0 ? products.firstKeyGradient : products.keyGradient).run(
                    slopes, q, into: dk, scratch: scratch)
                products.values.run(slopes, k, into: dq, scratch: scratch)
                copyRows(
                    UnsafePointer(dq), stride: headChannels, into: target + first * 3 * channels,
                    stride: 3 * channels, count: rows)
            }
            copyRows(
                UnsafePointer(dk), stride: headChannels, into: target + channels, stride: 3 * channels, count: pixels)
            copyRows(
                UnsafePointer(dv), stride: headChannels, into: target + 2 * channels, stride: 3 * channels,
                count: pixels)
        }
    }

    private func bfloat16(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<BFloat16> {
        UnsafeMutableRawPointer(memory).assumingMemoryBound(to: BFloat16.self)
    }

    /// Writes the softmax of a row of Q Kᵀ, scaled here, and returns the logarithm of the sum of its exponentials.
    private func softmax(_ row: UnsafeMutablePointer<Float>, into weights: UnsafeMutablePointer<BFloat16>) -> Float {
        var greatest = Lanes(repeating: -.infinity)
        Chunk.forEach(pixels) { offset, count in
            let value = Chunk.load(row + offset, count, fill: -.infinity)
            greatest = greatest.replacing(with: value, where: value .> greatest)
        }
        let (maximum, scale) = (greatest.max() * scale, Lanes(repeating: scale))
        let shift = Lanes(repeating: -maximum)
        var sum = Lanes.zero
        Chunk.forEach(pixels) { offset, count in
            // As in float32: a lane past the end of the row holds the least exponential.
            let value = VectorMath.exp(
                VectorMath.multiplyAdd(Chunk.load(row + offset, count, fill: -.infinity), scale, shift))
            Chunk.store(value, row + offset, count)
            sum += value
        }
        let total = sum.sum()
        let share = 1 / total
        Chunk.forEach(pixels) { offset, count in
            Chunk.store(Chunk.load(row + offset, count) * share, weights + offset, count)
        }
        return maximum + log(total)
    }

    /// Writes the softmax of a row of Q Kᵀ, whose sum is known, and the gradient of the row, scaled:
    /// z (dz - sum(z dz)) / sqrt D.
    private func slope(
        _ row: UnsafeMutablePointer<Float>, logSum: Float, _ dz: UnsafePointer<Float>,
        weights: UnsafeMutablePointer<BFloat16>, into slopes: UnsafeMutablePointer<BFloat16>
    ) {
        let (factor, shift) = (Lanes(repeating: scale), Lanes(repeating: -logSum))
        var sum = Lanes.zero
        Chunk.forEach(pixels) { offset, count in
            let z = VectorMath.exp(VectorMath.multiplyAdd(Chunk.load(row + offset, count), factor, shift))
            Chunk.store(z, row + offset, count)
            Chunk.store(z, weights + offset, count)
            // The padding of dz is zero, so what z holds past the end does not count.
            sum = VectorMath.multiplyAdd(z, Chunk.load(dz + offset, count), sum)
        }
        let total = sum.sum()
        Chunk.forEach(pixels) { offset, count in
            let slope = Chunk.load(row + offset, count) * (Chunk.load(dz + offset, count) - total) * scale
            Chunk.store(slope, slopes + offset, count)
        }
    }
}
