/// Changes of resolution and of channel count, NHWC. N batch, H height, W width, C channels.
///
/// All activations of one call are of one type.
package enum Resampling {
    /// Copies every pixel of `[N, H, W, C]` to a 2x2 block of `[N, 2H, 2W, C]`, times `factor`.
    package static func upsample(
        _ x: ActivationPointer, into result: ActivationPointer, samples: Int, height: Int, width: Int, channels: Int,
        factor: Float = 1
    ) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let (x, result) = (UnsafePointer(x.elements(type)), result.elements(type))
            ThreadPool.forEach(samples * height, serial: samples * height * width * channels < 16_384) { row in
                let source = x + row * width * channels
                let first = result + row * 4 * width * channels
                for column in 0..<width {
                    let pixel = source + column * channels
                    let (left, right) = (first + 2 * column * channels, first + (2 * column + 1) * channels)
                    Chunk.forEach(channels) { offset, count in
                        let value = Chunk.load(pixel + offset, count) * factor
                        Chunk.store(value, left + offset, count)
                        Chunk.store(value, right + offset, count)
                    }
                }
                (first + 2 * width * channels).update(from: first, count: 2 * width * channels)
            }
        }
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        switch x.type {
        case .float32: run(Float.self)
        case .bfloat16: run(BFloat16.self)
        }
    }

    /// Sums every 2x2 block of `[N, 2H, 2W, C]` into a pixel of `[N, H, W, C]`, times `factor`.
    ///
    /// With `factor` ¼ the mean, the box filter; with 1 the gradient of ``upsample(_:into:samples:height:width:channels:factor:)``.
    package static func downsample(
        _ x: ActivationPointer, into result: ActivationPointer, samples: Int, height: Int, width: Int, channels: Int,
        factor: Float
    ) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let (x, result) = (UnsafePointer(x.elements(type)), result.elements(type))
            ThreadPool.forEach(samples * height, serial: samples * height * width * channels < 16_384) { row in
                let upper = x + row * 4 * width * channels
                let lower = upper + 2 * width * channels
                for column in 0..<width {
                    let left = 2 * column * channels
                    let target = result + (row * width + column) * channels
                    Chunk.forEach(channels) { offset, count in
                        let above =
                            Chunk.load(upper + left + offset, count)
                            + Chunk.load(upper + left + channels + offset, count)
                        let below =
                            Chunk.load(lower + left + offset, count)
                            + Chunk.load(lower + left + channels + offset, count)
                        Chunk.store((above + below) * factor, target + offset, count)
                    }
                }
            }
        }
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        switch x.type {
        case .float32: run(Float.self)
        case .bfloat16: run(BFloat16.self)
        }
    }

    /// Writes `a` `[pixels, channelsA]` and `b` `[pixels, channelsB]` side by side.
    package static func concatenate(
        _ a: ActivationPointer, channelsA: Int, _ b: ActivationPointer, channelsB: Int,
        into result: ActivationPointer, pixels: Int
    ) {
        let (bytesA, bytesB) = (channelsA * a.type.byteCount, channelsB * b.type.byteCount)
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forRanges(pixels, grain: 256) { range in
            for pixel in range {
                let target = result.address + pixel * (bytesA + bytesB)
                target.copyMemory(from: a.address + pixel * bytesA, byteCount: bytesA)
                (target + bytesA).copyMemory(from: b.address + pixel * bytesB, byteCount: bytesB)
            }
        }
    }

    /// Copies `channels` channels from `offset` on out of `x` `[pixels, totalChannels]`.
    package static func slice(
        _ x: ActivationPointer, totalChannels: Int, offset: Int, channels: Int, into result: ActivationPointer,
        pixels: Int
    ) {
        let size = x.type.byteCount
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forRanges(pixels, grain: 256) { range in
            for pixel in range {
                (result.address + pixel * channels * size).copyMemory(
                    from: x.address + (pixel * totalChannels + offset) * size, byteCount: channels * size)
            }
        }
    }
}

extension Elementwise {
    /// `result = factor x` on the calling thread.
    @inline(always)
    static func scaleRun(
        _ x: UnsafePointer<Float>, _ factor: Float, _ result: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        Chunk.forEach(count) { offset, lanes in
            Chunk.store(Chunk.load(x + offset, lanes) * factor, result + offset, lanes)
        }
    }
}
