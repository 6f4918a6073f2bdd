/// Convolutions over 3 x 3 kernels, stride 1, padding 1, by Winograd's F(4 x 4, 3 x 3): a quarter of the multiplications
/// of the definition. Images are NHWC, of either type; weights are OIHW, and everything between is float32.
///
/// The image is cut into tiles of 4 x 4 outputs. At each of 36 points (see ``WinogradTransforms``) the tiles' transforms
/// `[tiles, C]` are multiplied with the weights' `[C, K]`; the inverse transform of the products is the output. A block of
/// tiles goes through all of it within one core's cache.
///
/// The relative error (root of the sums of squares) is about 1e-6, where a direct convolution has about half of it. No bit depends on
/// the number of threads: every output is a sum in an order of its own, and the gradient of the weights is summed over
/// the tiles in their order.
///
/// Threading: as the pool's regions; scratch memory is each thread's own.
package struct WinogradConvolution: Sendable {
    private let shape: ConvolutionShape
    private let tileRows: Int, tileColumns: Int

    /// Whether a convolution is of the kind that this algorithm computes.
    package static func supports(_ shape: ConvolutionShape) -> Bool {
        shape.kernel == 3 && shape.stride == 1 && shape.padding == 1 && shape.inputChannels % 16 == 0
            && shape.outputChannels % 16 == 0
    }

    /// Nil for a shape that is not supported.
    package init?(_ shape: ConvolutionShape) {
        guard Self.supports(shape) else { return nil }
        self.shape = shape
        tileRows = (shape.height + 3) / 4
        tileColumns = (shape.width + 3) / 4
    }

    private var tileCount: Int { shape.samples * tileRows * tileColumns }

    /// The floats of the transformed weights, the same for both directions.
    package var transformedWeightsCount: Int {
        WinogradTransforms.pointCount * shape.inputChannels * shape.outputChannels
    }
}

// MARK: - Weights

extension WinogradConvolution {
    /// Transforms OIHW weights for ``forward(_:weights:bias:into:addsToResult:)``; `result` takes
    /// ``transformedWeightsCount`` floats.
    package func transformForward(_ weights: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        let filter = 9
        transform(
            weights, into: result, inner: shape.inputChannels, columns: shape.outputChannels, innerStride: filter,
            columnStride: filter * shape.inputChannels, flipped: false)
    }

    /// Transforms OIHW weights for ``backwardData(_:weights:into:)``; `result` takes ``transformedWeightsCount`` floats.
    ///
    /// The gradient of the image is the convolution of the output's gradient with the kernels turned by half a turn and
    /// their channels exchanged.
    package func transformBackward(_ weights: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        let filter = 9
        transform(
            weights, into: result, inner: shape.outputChannels, columns: shape.inputChannels,
            innerStride: filter * shape.inputChannels, columnStride: filter, flipped: true)
    }

    /// Writes `[36, column panels, inner, panel width]`.
    private func transform(
        _ weights: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, inner: Int, columns: Int,
        innerStride: Int, columnStride: Int, flipped: Bool
    ) {
        let timer = OperationProfile.start(.packing)
        defer { timer.stop() }
        let panels = Panels(channels: columns, width: PanelProduct.width, rows: inner)
        ThreadPool.forEach(columns / 16) { group in
            withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 9 + 18) { memory in
                guard let filters = memory.baseAddress else { return }
                let (target, step) = panels.group(16 * group)
                for row in 0..<inner {
                    let source = weights + 16 * group * columnStride + row * innerStride
                    for tap in 0..<9 {
                        for lane in 0..<16 {
                            filters[flipped ? 8 - tap : tap][lane] = source[lane * columnStride + tap]
                        }
                    }
                    let half = filters + 9
                    for column in 0..<3 {
                        let g = WinogradTransforms.weights((filters[column], filters[3 + column], filters[6 + column]))
                        (half[column], half[3 + column], half[6 + column]) = (g.0, g.1, g.2)
                        (half[9 + column], half[12 + column], half[15 + column]) = (g.3, g.4, g.5)
                    }
                    for point in 0..<6 {
                        let g = WinogradTransforms.weights(
                            (half[3 * point], half[3 * point + 1], half[3 * point + 2]))
                        let scale = WinogradTransforms.scale(point)
                        let out = result + 6 * point * inner * columns + target + row * step
                        let next = inner * columns
                        out.store(g.0 * (scale * WinogradTransforms.scale(0)), 0)
                        out.store(g.1 * (scale * WinogradTransforms.scale(1)), next)
                        out.store(g.2 * (scale * WinogradTransforms.scale(2)), 2 * next)
                        out.store(g.3 * (scale * WinogradTransforms.scale(3)), 3 * next)
                        out.store(g.4 * (scale * WinogradTransforms.scale(4)), 4 * next)
                        out.store(g.5 * (scale * WinogradTransforms.scale(5)), 5 * next)
                    }
                }
            }
        }
    }
}

// MARK: - Output and the image's gradient

extension WinogradConvolution {
    /// Writes the output `[N, H, W, K]` for the image `[N, H, W, C]`, or adds it to what is there.
    ///
    /// `weights` come from ``transformForward(_:into:)``; `bias` `[K]`.
    package func forward(
        _ x: ActivationPointer, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>,
        into result: ActivationPointer, addsToResult: Bool = false
    ) {
        let timer = OperationProfile.start(.convolutionForward)
        defer { timer.stop() }
        let sizes = (channels: shape.inputChannels, columns: shape.outputChannels)
        switch x.type {
        case .float32: convolve(Float.self, x, sizes, weights, bias, into: result, adds: addsToResult)
        case .bfloat16: convolve(BFloat16.self, x, sizes, weights, bias, into: result, adds: addsToResult)
        }
    }

    /// Writes the gradient of the image `[N, H, W, C]`, given that of the output `[N, H, W, K]`.
    ///
    /// `weights` come from ``transformBackward(_:into:)``.
    package func backwardData(
        _ gradient: ActivationPointer, weights: UnsafePointer<Float>, into result: ActivationPointer
    ) {
        let timer = OperationProfile.start(.convolutionBackwardData)
        defer { timer.stop() }
        let sizes = (channels: shape.outputChannels, columns: shape.inputChannels)
        switch gradient.type {
        case .float32: convolve(Float.self, gradient, sizes, weights, nil, into: result, adds: false)
        case .bfloat16: convolve(BFloat16.self, gradient, sizes, weights, nil, into: result, adds: false)
        }
    }

    private func convolve<Element: VectorElement>(
        _ type: Element.Type, _ x: ActivationPointer, _ sizes: (channels: Int, columns: Int),
        _ weights: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?, into y: ActivationPointer, adds: Bool
    ) {
        let (x, y) = (UnsafePointer(x.elements(type)), y.elements(type))
        let (channels, columns) = sizes
        let (tiles, points) = (tileCount, WinogradTransforms.pointCount)
        // The transforms of a block of tiles take about half of a core's second-level cache of 1 MiB. Every block reads all
        // weights: where these come from further away than the shared cache, that costs more than transforms that do not
        // fit.
        let fewest = transformedWeightsCount > Self.sharedWeightsFloats ? 32 : 8
        let most = min(64, max(fewest, Self.blockFloats / (points * channels) / 8 * 8))
        let threads = ThreadPool.threadCount
        let blocks = ((tiles + most - 1) / most + threads - 1) / threads * threads
        let block = ((tiles + blocks - 1) / blocks + 7) / 8 * 8
        let width = PanelProduct.width
        // An odd number of cache lines between points: at a power of two all 36 would want the same lines.
        let (inputStride, productStride) = (block * channels + 16, block * width + 16)
        let scratchCount = points * (inputStride + productStride) + 36 * 16 + channels
        let panels = Panels(channels: columns, width: width, rows: channels)
        ThreadPool.forEach((tiles + block - 1) / block, scratchCount: scratchCount) { index, input in
            let products = input + points * inputStride
            let half = products + points * productStride
            let zeros = zeros(type, channels, at: half + 36 * 16)
            let range = index * block..<min(tiles, (index + 1) * block)
            let plain = Panels(channels: channels, width: channels, rows: block)
            for tile in range {
                transformInput(
                    x, channels: channels, tile, zeros: zeros, into: input, row: tile - range.lowerBound,
                    panels: plain, stride: inputStride, half: half)
            }
            var column = 0
            while column < columns {
                let (panel, panelWidth) = panels.group(column)
                for point in 0..<points {
                    let a = input + point * inputStride
                    let b = weights + point * channels * columns + panel
                    var row = 0
                    while row < range.count {
                        let c = products + point * productStride + row * width
                        PanelProduct.multiply(
                            .init(pointer: a + row * channels, rowStride: channels, step: 1), b, columns: panelWidth,
                            count: channels, into: .init(pointer: c, rowStride: width, adds: false))
                        row += 8
                    }
                }
                for group in 0..<panelWidth / 16 {
                    let offset = column + 16 * group
                    let summand = bias.map { $0.lanes(offset) } ?? .zero
                    for tile in range {
                        transformOutput(
                            products + (tile - range.lowerBound) * width + 16 * group, stride: productStride, tile,
                            summand, into: y + offset, channels: columns, adds: adds, half: half)
                    }
                }
                column += panelWidth
            }
        }
    }

    /// Floats of a block's input transforms.
    private static let blockFloats = 36 * 64 * 48
    /// Floats of weights that stay in the shared cache beside all else, 8 MiB.
    static let sharedWeightsFloats = 1 << 21
}

// MARK: - The weights' gradient

extension WinogradConvolution {
    /// Adds the gradients of the weights (OIHW) and, where wanted, of the bias, given the image `[N, H, W, C]` and the
    /// output's gradient `[N, H, W, K]`.
    package func backwardWeights(
        _ x: ActivationPointer, gradient: ActivationPointer, weights: UnsafeMutablePointer<Float>,
        bias: UnsafeMutablePointer<Float>?
    ) {
        let timer = OperationProfile.start(.convolutionBackwardWeights)
        defer { timer.stop() }
        switch x.type {
        case .float32: backwardWeights(Float.self, x, gradient, weights, bias)
        case .bfloat16: backwardWeights(BFloat16.self, x, gradient, weights, bias)
        }
    }

    private func backwardWeights<Element: VectorElement>(
        _ type: Element.Type, _ x: ActivationPointer, _ gradient: ActivationPointer,
        _ weights: UnsafeMutablePointer<Float>, _ bias: UnsafeMutablePointer<Float>?
    ) {
        let (x, gradient) = (UnsafePointer(x.elements(type)), UnsafePointer(gradient.elements(type)))
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let (tiles, points) = (tileCount, WinogradTransforms.pointCount)
        // A block of both transforms stays in the shared cache on its way from the core that makes it to the one that
        // multiplies it.
        let most = min(256, max(32, Self.sharedFloats / (points * (inputs + outputs)) / 8 * 8))
        let blocks = (tiles + most - 1) / most
        let block = ((tiles + blocks - 1) / blocks + 7) / 8 * 8
        let images = Panels(channels: inputs, width: PanelProduct.width, rows: block)
        let gradients = Panels(channels: outputs, width: 16, rows: block)
        let (inputStride, gradientStride) = (block * inputs + 16, block * outputs + 16)
        let sumCount = points * inputs * outputs
        let zeroCount = max(inputs, outputs)
        let inputTransforms = ThreadPool.callerScratch(
            points * (inputStride + gradientStride) + sumCount + zeroCount + shape.samples * outputs)
        let gradientTransforms = inputTransforms + points * inputStride
        let sums = gradientTransforms + points * gradientStride
        let zeros = zeros(type, zeroCount, at: sums + sumCount)
        let partialBias = sums + sumCount + zeroCount
        for index in 0..<blocks {
            let range = index * block..<min(tiles, (index + 1) * block)
            ThreadPool.forEach((range.count + 7) / 8, scratchCount: 36 * 16) { piece, half in
                for row in 8 * piece..<min(8 * piece + 8, range.count) {
                    transformInput(
                        x, channels: inputs, range.lowerBound + row, zeros: zeros, into: inputTransforms,
                        row: row, panels: images, stride: inputStride, half: half)
                    transformGradient(
                        gradient, range.lowerBound + row, zeros: zeros, into: gradientTransforms, row: row,
                        panels: gradients, stride: gradientStride, half: half)
                }
            }
            let panelCount = (inputs + PanelProduct.width - 1) / PanelProduct.width
            ThreadPool.forEach(points * panelCount) { piece in
                let (point, column) = (piece / panelCount, piece % panelCount * PanelProduct.width)
                let (panel, width) = images.group(column)
                let b = UnsafePointer(inputTransforms + point * inputStride + panel)
                for row in stride(from: 0, to: outputs, by: 8) {
                    let a = UnsafePointer(
                        gradientTransforms + point * gradientStride + row / 16 * 16 * block + row % 16)
                    let c = sums + (point * outputs + row) * inputs + column
                    PanelProduct.multiply(
                        .init(pointer: a, rowStride: 1, step: 16), b, columns: width, count: range.count,
                        into: .init(pointer: c, rowStride: inputs, adds: index > 0))
                }
            }
        }
        addWeightsGradient(sums, into: weights)
        if let bias { addBiasGradient(gradient, partial: partialBias, into: bias) }
    }

    /// Floats of a block of transforms of image and gradient.
    private static let sharedFloats = 1 << 20

    /// Transforms the sums `[36, K, C]` back and adds them to `[K, C, 3, 3]`.
    private func addWeightsGradient(_ sums: UnsafePointer<Float>, into weights: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        ThreadPool.forEach(outputs) { row in
            withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 18 + 9) { memory in
                guard let half = memory.baseAddress else { return }
                let next = outputs * inputs
                for column in stride(from: 0, to: inputs, by: 16) {
                    let source = sums + row * inputs + column
                    for point in 0..<6 {
                        func at(_ index: Int) -> Lanes {
                            source.lanes((6 * index + point) * next)
                                * (WinogradTransforms.scale(index) * WinogradTransforms.scale(point))
                        }
                        let g = WinogradTransforms.weightsGradient((at(0), at(1), at(2), at(3), at(4), at(5)))
                        (half[point], half[6 + point], half[12 + point]) = (g.0, g.1, g.2)
                    }
                    let filters = half + 18
                    for tap in 0..<3 {
                        let m = half + 6 * tap
                        let g = WinogradTransforms.weightsGradient((m[0], m[1], m[2], m[3], m[4], m[5]))
                        (filters[3 * tap], filters[3 * tap + 1], filters[3 * tap + 2]) = (g.0, g.1, g.2)
                    }
                    let target = weights + (row * inputs + column) * 9
                    for lane in 0..<16 {
                        for tap in 0..<9 { target[9 * lane + tap] += filters[tap][lane] }
                    }
                }
            }
        }
    }

    /// Adds the sums over all pixels: one partial sum per sample, added in their order.
    private func addBiasGradient<Element: VectorElement>(
        _ gradient: UnsafePointer<Element>, partial: UnsafeMutablePointer<Float>, into bias: UnsafeMutablePointer<Float>
    ) {
        let (pixels, channels) = (shape.height * shape.width, shape.outputChannels)
        ThreadPool.forEach(shape.samples) { sample in
            let source = gradient + sample * pixels * channels
            for channel in stride(from: 0, to: channels, by: 16) {
                // Four sums: an addition takes longer than a load.
                var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
                var pixel = 0
                while pixel + 4 <= pixels {
                    a += Element.load(source + pixel * channels + channel)
                    b += Element.load(source + (pixel + 1) * channels + channel)
                    c += Element.load(source + (pixel + 2) * channels + channel)
                    d += Element.load(source + (pixel + 3) * channels + channel)
                    pixel += 4
                }
                while pixel < pixels {
                    a += Element.load(source + pixel * channels + channel)
                    pixel += 1
                }
                partial.store((a + b) + (c + d), sample * channels + channel)
            }
        }
        for channel in stride(from: 0, to: channels, by: 16) {
            var sum = Lanes.zero
            for sample in 0..<shape.samples { sum += partial.lanes(sample * channels + channel) }
            bias.store(bias.lanes(channel) + sum, channel)
        }
    }
}

// MARK: - Tiles

extension WinogradConvolution {
    /// Sample, and row and column of the first output, of a tile.
    @inline(always)
    private func origin(_ tile: Int) -> (sample: Int, row: Int, column: Int) {
        let perSample = tileRows * tileColumns
        let inSample = tile % perSample
        return (tile / perSample, inSample / tileColumns * 4, inSample % tileColumns * 4)
    }

    /// Calls `body` with the addresses of `side` x `side` pixels from (`row`, `column`) on; zeros stand in for what is
    /// outside of the image.
    @inline(always)
    private func withPixels<Element>(
        _ image: UnsafePointer<Element>, channels: Int, sample: Int, row: Int, column: Int, side: Int,
        zeros: UnsafePointer<Element>, _ body: (UnsafeMutablePointer<UnsafePointer<Element>>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UnsafePointer<Element>.self, capacity: side * side) { memory in
            guard let pixels = memory.baseAddress else { return }
            for i in 0..<side {
                let inside = row + i >= 0 && row + i < shape.height
                let line = image + (sample * shape.height + row + i) * shape.width * channels
                for j in 0..<side {
                    let within = inside && column + j >= 0 && column + j < shape.width
                    pixels[i * side + j] = within ? line + (column + j) * channels : zeros
                }
            }
            body(pixels)
        }
    }

    /// Writes Bᵀ d B of one tile as row `row` of each point's matrix.
    @inline(never)
    private func transformInput<Element: VectorElement>(
        _ image: UnsafePointer<Element>, channels: Int, _ tile: Int, zeros: UnsafePointer<Element>,
        into result: UnsafeMutablePointer<Float>, row: Int, panels: Panels, stride: Int,
        half: UnsafeMutablePointer<Float>
    ) {
        let (sample, top, left) = origin(tile)
        withPixels(
            image, channels: channels, sample: sample, row: top - 1, column: left - 1, side: 6, zeros: zeros
        ) { pixels in
            var channel = 0
            while channel < channels {
                for j in 0..<6 {
                    let d = WinogradTransforms.input(
                        (
                            Element.load(pixels[j] + channel), Element.load(pixels[6 + j] + channel),
                            Element.load(pixels[12 + j] + channel),
                            Element.load(pixels[18 + j] + channel), Element.load(pixels[24 + j] + channel),
                            Element.load(pixels[30 + j] + channel)
                        ))
                    store(d, half + 16 * j, stride: 96)
                }
                let (panel, width) = panels.group(channel)
                let target = result + panel + row * width
                for i in 0..<6 {
                    let d = WinogradTransforms.input(load(half + 96 * i, stride: 16))
                    store(d, target + 6 * i * stride, stride: stride)
                }
                channel += 16
            }
        }
    }

    /// Writes A dy Aᵀ of one tile as row `row` of each point's matrix.
    @inline(never)
    private func transformGradient<Element: VectorElement>(
        _ gradient: UnsafePointer<Element>, _ tile: Int, zeros: UnsafePointer<Element>,
        into result: UnsafeMutablePointer<Float>, row: Int, panels: Panels, stride: Int,
        half: UnsafeMutablePointer<Float>
    ) {
        let (sample, top, left) = origin(tile)
        withPixels(
            gradient, channels: shape.outputChannels, sample: sample, row: top, column: left, side: 4, zeros: zeros
        ) { pixels in
            var channel = 0
            while channel < shape.outputChannels {
                for j in 0..<4 {
                    let d = WinogradTransforms.outputGradient(
                        (
                            Element.load(pixels[j] + channel), Element.load(pixels[4 + j] + channel),
                            Element.load(pixels[8 + j] + channel),
                            Element.load(pixels[12 + j] + channel)
                        ))
                    store(d, half + 16 * j, stride: 64)
                }
                let (panel, width) = panels.group(channel)
                let target = result + panel + row * width
                for i in 0..<6 {
                    let m = half + 64 * i
                    let d = WinogradTransforms.outputGradient((m.lanes(0), m.lanes(16), m.lanes(32), m.lanes(48)))
                    store(d, target + 6 * i * stride, stride: stride)
                }
                channel += 16
            }
        }
    }

    /// Writes Aᵀ m A plus `summand` to one tile of the image, its first channel at `image`.
    @inline(never)
    private func transformOutput<Element: VectorElement>(
        _ products: UnsafePointer<Float>, stride: Int, _ tile: Int, _ summand: Lanes,
        into image: UnsafeMutablePointer<Element>, channels: Int, adds: Bool, half: UnsafeMutablePointer<Float>
    ) {
        for j in 0..<6 {
            let y = WinogradTransforms.output(load(products + j * stride, stride: 6 * stride))
            half.store(y.0, 16 * j)
            half.store(y.1, 16 * j + 96)
            half.store(y.2, 16 * j + 192)
            half.store(y.3, 16 * j + 288)
        }
        let (sample, top, left) = origin(tile)
        for i in 0..<min(4, shape.height - top) {
            let y = WinogradTransforms.output(load(UnsafePointer(half + 96 * i), stride: 16))
            let line = image + ((sample * shape.height + top + i) * shape.width + left) * channels
            let count = shape.width - left
            write(y.0 + summand, line, adds)
            if count > 1 { write(y.1 + summand, line + channels, adds) }
            if count > 2 { write(y.2 + summand, line + 2 * channels, adds) }
            if count > 3 { write(y.3 + summand, line + 3 * channels, adds) }
        }
    }

    @inline(always)
    private func write<Element: VectorElement>(
        _ value: Lanes, _ pointer: UnsafeMutablePointer<Element>, _ adds: Bool
    ) {
        Element.store(adds ? Element.load(pointer) + value : value, pointer)
    }

    /// `count` zeros in scratch memory, read where a tile reaches over the edge of the image.
    private func zeros<Element: VectorElement>(
        _: Element.Type, _ count: Int, at memory: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Element> {
        memory.update(repeating: 0, count: count)
        return UnsafePointer(UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Element.self))
    }

    @inline(always)
    private func load(_ pointer: UnsafePointer<Float>, stride: Int) -> WinogradTransforms.Six {
        (
            pointer.lanes(0), pointer.lanes(stride), pointer.lanes(2 &* stride), pointer.lanes(3 &* stride),
            pointer.lanes(4 &* stride), pointer.lanes(5 &* stride)
        )
    }

    @inline(always)
    private func store(_ value: WinogradTransforms.Six, _ pointer: UnsafeMutablePointer<Float>, stride: Int) {
        pointer.store(value.0, 0)
        pointer.store(value.1, stride)
        pointer.store(value.2, 2 &* stride)
        pointer.store(value.3, 3 &* stride)
        pointer.store(value.4, 4 &* stride)
        pointer.store(value.5, 5 &* stride)
    }
}
