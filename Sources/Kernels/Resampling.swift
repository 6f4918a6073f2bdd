/// Changes of resolution and of channel count, NHWC. N batch, H height, W width, C channels.
package enum Resampling {
    /// Copies every pixel of `[N, H, W, C]` to a 2x2 block of `[N, 2H, 2W, C]`, times `factor`, or adds it there.
    package static func upsample(
        _ x: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, samples: Int, height: Int, width: Int,
        channels: Int, factor: Float = 1
    ) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forEach(samples * height, serial: samples * height * width * channels < 16_384) { row in
            let source = x + row * width * channels
            let first = result + row * 4 * width * channels
            for column in 0..<width {
                Elementwise.scaleRun(source + column * channels, factor, first + 2 * column * channels, channels)
                Elementwise.scaleRun(source + column * channels, factor, first + (2 * column + 1) * channels, channels)
            }
            (first + 2 * width * channels).update(from: first, count: 2 * width * channels)
        }
    }

    /// Sums every 2x2 block of `[N, 2H, 2W, C]` into a pixel of `[N, H, W, C]`, times `factor`.
    ///
    /// With `factor` ¼ the mean, the box filter; with 1 the gradient of ``upsample(_:into:samples:height:width:channels:factor:)``.
    package static func downsample(
        _ x: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, samples: Int, height: Int, width: Int,
        channels: Int, factor: Float
    ) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forEach(samples * height, serial: samples * height * width * channels < 16_384) { row in
            let upper = x + row * 4 * width * channels
            let lower = upper + 2 * width * channels
            for column in 0..<width {
                let left = 2 * column * channels
                Elementwise.sumRun(
                    upper + left, upper + left + channels, lower + left, lower + left + channels, factor,
                    result + (row * width + column) * channels, channels)
            }
        }
    }

    /// Writes `a` `[pixels, channelsA]` and `b` `[pixels, channelsB]` side by side.
    package static func concatenate(
        _ a: UnsafePointer<Float>, channelsA: Int, _ b: UnsafePointer<Float>, channelsB: Int,
        into result: UnsafeMutablePointer<Float>, pixels: Int
    ) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forRanges(pixels, grain: 256) { range in
            for pixel in range {
                let target = result + pixel * (channelsA + channelsB)
                target.update(from: a + pixel * channelsA, count: channelsA)
                (target + channelsA).update(from: b + pixel * channelsB, count: channelsB)
            }
        }
    }

    /// Copies `channels` channels from `offset` on out of `x` `[pixels, totalChannels]`.
    package static func slice(
        _ x: UnsafePointer<Float>, totalChannels: Int, offset: Int, channels: Int,
        into result: UnsafeMutablePointer<Float>, pixels: Int
    ) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forRanges(pixels, grain: 256) { range in
            for pixel in range {
                (result + pixel * channels).update(from: x + pixel * totalChannels + offset, count: channels)
            }
        }
    }
}

extension Elementwise {
    /// `result = factor x` on the calling thread.
    @inline(__always)
    static func scaleRun(
        _ x: UnsafePointer<Float>, _ factor: Float, _ result: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        var index = 0
        while index + 16 <= count {
            result.store(x.lanes(index) * factor, index)
            index += 16
        }
        while index < count {
            result[index] = x[index] * factor
            index += 1
        }
    }

    /// `result = factor (a + b + c + d)` on the calling thread.
    @inline(__always)
    static func sumRun(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, _ d: UnsafePointer<Float>,
        _ factor: Float, _ result: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        var index = 0
        while index + 16 <= count {
            result.store(((a.lanes(index) + b.lanes(index)) + (c.lanes(index) + d.lanes(index))) * factor, index)
            index += 16
        }
        while index < count {
            result[index] = ((a[index] + b[index]) + (c[index] + d[index])) * factor
            index += 1
        }
    }
}
