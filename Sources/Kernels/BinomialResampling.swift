/// Changes of resolution by the filter [1, 3, 3, 1] along each side, NHWC, zeros around the image. N batch, H height, W
/// width, C channels.
///
/// With f the filter's outer product, `padding` P and `factor` a, the smaller image y and the larger image x:
/// down: y[i, j] = a Σ f[k, l] x[2i + k - P, 2j + l - P]; up: x[o, p] = a Σ f[k, l] y[i, j] over 2i + k - P = o,
/// 2j + l - P = p. Each is the other's gradient. All activations of one call are of one type.
package struct BinomialResampling: Sendable {
    /// Samples, sides of the larger image, channels, and the zeros that count as its border.
    package let samples: Int, height: Int, width: Int, channels: Int, padding: Int
    private let factor: Float

    package init(samples: Int, height: Int, width: Int, channels: Int, padding: Int, factor: Float) {
        (self.samples, self.height, self.width, self.channels) = (samples, height, width, channels)
        (self.padding, self.factor) = (padding, factor)
    }

    /// The sides of the smaller image.
    package var smallHeight: Int { (height + 2 * padding - 4) / 2 + 1 }
    package var smallWidth: Int { (width + 2 * padding - 4) / 2 + 1 }

    @inline(always)
    private static func weight(_ tap: Int) -> Float { tap == 1 || tap == 2 ? 3 : 1 }

    /// `[N, height, width, C]` to `[N, smallHeight, smallWidth, C]`.
    package func down(_ x: ActivationPointer, into result: ActivationPointer) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let (x, result) = (UnsafePointer(x.elements(type)), result.elements(type))
            ThreadPool.forEach(samples * smallHeight, serial: isSmall) { row in
                let (sample, i) = row.quotientAndRemainder(dividingBy: smallHeight)
                let rows = taps(i, of: height)
                for j in 0..<smallWidth {
                    let columns = taps(j, of: width)
                    let target = result + (row * smallWidth + j) * channels
                    Chunk.forEach(channels) { offset, count in
                        var sum = Lanes.zero
                        for k in rows {
                            let line = x + (sample * height + 2 * i + k - padding) * width * channels + offset
                            var part = Lanes.zero
                            for l in columns {
                                part += Chunk.load(line + (2 * j + l - padding) * channels, count) * Self.weight(l)
                            }
                            sum += part * Self.weight(k)
                        }
                        Chunk.store(sum * factor, target + offset, count)
                    }
                }
            }
        }
        dispatch(x.type, float: { run(Float.self) }, bfloat16: { run(BFloat16.self) })
    }

    /// `[N, smallHeight, smallWidth, C]` to `[N, height, width, C]`.
    package func up(_ y: ActivationPointer, into result: ActivationPointer) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let (y, result) = (UnsafePointer(y.elements(type)), result.elements(type))
            ThreadPool.forEach(samples * height, serial: isSmall) { row in
                let (sample, o) = row.quotientAndRemainder(dividingBy: height)
                for p in 0..<width {
                    let target = result + (row * width + p) * channels
                    Chunk.forEach(channels) { offset, count in
                        var sum = Lanes.zero
                        // An output meets every second tap, so two of them at most.
                        var k = (o + padding) & 1
                        while k < 4 {
                            let i = (o + padding - k) >> 1
                            if (0..<smallHeight).contains(i) {
                                let line = y + (sample * smallHeight + i) * smallWidth * channels + offset
                                var part = Lanes.zero
                                var l = (p + padding) & 1
                                while l < 4 {
                                    let j = (p + padding - l) >> 1
                                    if (0..<smallWidth).contains(j) {
                                        part += Chunk.load(line + j * channels, count) * Self.weight(l)
                                    }
                                    l += 2
                                }
                                sum += part * Self.weight(k)
                            }
                            k += 2
                        }
                        Chunk.store(sum * factor, target + offset, count)
                    }
                }
            }
        }
        dispatch(y.type, float: { run(Float.self) }, bfloat16: { run(BFloat16.self) })
    }

    /// The taps of the smaller image's row or column that lie within the larger one.
    private func taps(_ index: Int, of extent: Int) -> Range<Int> {
        max(0, padding - 2 * index)..<min(4, extent + padding - 2 * index)
    }

    private var isSmall: Bool { samples * height * width * channels < 16_384 }

    private func dispatch(_ type: ElementType, float: () -> Void, bfloat16: () -> Void) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        switch type {
        case .float32: float()
        case .bfloat16: bfloat16()
        }
    }
}
