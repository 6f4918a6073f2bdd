/// Loops over flat buffers. Every function takes the element count last; buffers may not overlap unless said otherwise.
package enum Elementwise {
    /// Applies `body` to whole vectors and then once to the tail, padded with zeros.
    @inline(always)
    private static func map<A: VectorElement, Result: VectorElement>(
        _ a: UnsafePointer<A>, _ b: UnsafePointer<A>, _ result: UnsafeMutablePointer<Result>, _ count: Int,
        _ body: (Lanes, Lanes) -> Lanes
    ) {
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        ThreadPool.forRanges(count) { range in
            Chunk.forEach(range.count) { offset, lanes in
                let index = range.lowerBound + offset
                Chunk.store(
                    body(Chunk.load(a + index, lanes), Chunk.load(b + index, lanes)), result + index, lanes)
            }
        }
    }

    /// `result = a + b`; `result` may be `a` or `b`.
    package static func add(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
    ) {
        map(a, b, result, count) { $0 + $1 }
    }

    /// `result = a + b`, all of one type; `result` may be `a` or `b`.
    package static func add(
        _ a: ActivationPointer, _ b: ActivationPointer, into result: ActivationPointer, count: Int
    ) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            map(UnsafePointer(a.elements(type)), UnsafePointer(b.elements(type)), result.elements(type), count) {
                $0 + $1
            }
        }
        switch result.type {
        case .float32: run(Float.self)
        case .bfloat16: run(BFloat16.self)
        }
    }

    /// Copies `count` elements to another type, rounding to nearest even.
    package static func convert(_ x: ActivationPointer, into result: ActivationPointer, count: Int) {
        func run<Source: VectorElement, Target: VectorElement>(_ source: Source.Type, _ target: Target.Type) {
            let x = UnsafePointer(x.elements(source))
            map(x, x, result.elements(target), count) { value, _ in value }
        }
        switch (x.type, result.type) {
        case (.float32, .float32): run(Float.self, Float.self)
        case (.float32, .bfloat16): run(Float.self, BFloat16.self)
        case (.bfloat16, .float32): run(BFloat16.self, Float.self)
        case (.bfloat16, .bfloat16): run(BFloat16.self, BFloat16.self)
        }
    }

    /// `result = factor a`; `result` may be `a`.
    package static func scale(
        _ a: UnsafePointer<Float>, by factor: Float, into result: UnsafeMutablePointer<Float>, count: Int
    ) {
        map(a, a, result, count) { value, _ in value * factor }
    }

    /// `result = factor a`, both of one type; `result` may be `a`.
    package static func scale(
        _ a: ActivationPointer, by factor: Float, into result: ActivationPointer, count: Int
    ) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let a = UnsafePointer(a.elements(type))
            map(a, a, result.elements(type), count) { value, _ in value * factor }
        }
        switch result.type {
        case .float32: run(Float.self)
        case .bfloat16: run(BFloat16.self)
        }
    }

    /// Adds `shift` `[samples, channels]` to every pixel of `x` `[samples, pixels, channels]`; `result` may be `x`.
    package static func addToPixels(
        _ x: ActivationPointer, _ shift: UnsafePointer<Float>, into result: ActivationPointer, samples: Int,
        pixels: Int, channels: Int
    ) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let (x, result) = (UnsafePointer(x.elements(type)), result.elements(type))
            ThreadPool.forRanges(samples * pixels, grain: pixelGrain(channels)) { range in
                for pixel in range {
                    let (place, row) = (pixel * channels, shift + pixel / pixels * channels)
                    Chunk.forEach(channels) { offset, count in
                        Chunk.store(
                            Chunk.load(x + place + offset, count) + Chunk.load(row + offset, count),
                            result + place + offset, count)
                    }
                }
            }
        }
        let timer = OperationProfile.start(.elementwise)
        defer { timer.stop() }
        switch result.type {
        case .float32: run(Float.self)
        case .bfloat16: run(BFloat16.self)
        }
    }

    /// The sum over the pixels of `x` `[samples, pixels, channels]`, `[samples, channels]`: the gradient of the shift of
    /// ``addToPixels(_:_:into:samples:pixels:channels:)``.
    package static func sumOverPixels(
        _ x: ActivationPointer, into result: UnsafeMutablePointer<Float>, samples: Int, pixels: Int, channels: Int
    ) {
        func run<Element: VectorElement>(_ type: Element.Type) {
            let x = UnsafePointer(x.elements(type))
            ThreadPool.forEach(samples, serial: samples * pixels * channels < 16_384) { sample in
                let (source, sum) = (x + sample * pixels * channels, result + sample * channels)
                Chunk.forEach(channels) { offset, count in
                    var total = Lanes.zero
                    for pixel in 0..<pixels { total += Chunk.load(source + pixel * channels + offset, count) }
                    Chunk.store(total, sum + offset, count)
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

    /// Pixels of one piece of work.
    private static func pixelGrain(_ channels: Int) -> Int { max(1, 16_384 / channels) }

    /// `result = silu(x)`.
    package static func silu(_ x: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int) {
        map(x, x, result, count) { value, _ in VectorMath.silu(value) }
    }

    /// `result = gradient * silu'(x)`.
    package static func siluBackward(
        _ x: UnsafePointer<Float>, gradient: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
    ) {
        map(x, gradient, result, count) { value, gradient in gradient * VectorMath.siluDerivative(value) }
    }

    /// `result[n] = factors[n] * x[n]` for `samples` runs of `count` elements each; `result` may be `x`.
    package static func scaleSamples(
        _ x: UnsafePointer<Float>, factors: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>,
        samples: Int, count: Int
    ) {
        for n in 0..<samples { scale(x + n * count, by: factors[n], into: result + n * count, count: count) }
    }

    /// `result[n] = a[n] x[n] + b[n] y[n]` for `samples` runs of `count` elements each; `result` may be `x` or `y`.
    package static func blendSamples(
        _ x: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>, samples: Int, count: Int
    ) {
        for n in 0..<samples {
            let (factorX, factorY) = (a[n], b[n])
            map(x + n * count, y + n * count, result + n * count, count) { $0 * factorX + $1 * factorY }
        }
    }
}
