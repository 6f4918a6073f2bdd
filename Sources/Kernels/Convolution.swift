import COneDNN
import CVector
import Synchronization

/// The sizes of a two-dimensional convolution over square kernels. Images are NHWC, weights OIHW.
package struct ConvolutionShape: Hashable, Sendable {
    /// Samples, input height and width, input and output channels.
    package let samples: Int, height: Int, width: Int, inputChannels: Int, outputChannels: Int
    /// Kernel size, distance between outputs, zeros around the image.
    package let kernel: Int, stride: Int, padding: Int

    package init(
        samples: Int, height: Int, width: Int, inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int,
        padding: Int
    ) {
        (self.samples, self.height, self.width) = (samples, height, width)
        (self.inputChannels, self.outputChannels) = (inputChannels, outputChannels)
        (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
    }

    package var outputHeight: Int { (height + 2 * padding - kernel) / stride + 1 }
    package var outputWidth: Int { (width + 2 * padding - kernel) / stride + 1 }
}

/// A convolution of one shape and one type of image: our own by Winograd's algorithm where it applies, else oneDNN's
/// primitives, each made when it is first needed. Either has a layout of the weights of its own; packing into it is a
/// separate call, so that weights that do not change are packed once.
///
/// Weights, bias and their gradients are float32 outside, whatever the type of the images; sums are float32 inside.
/// Threading: calls from several threads are safe; those of oneDNN's primitives take the object's lock, since a
/// primitive's arguments are bound to it. The output and the
/// image's gradient do not depend on the number of threads. With oneDNN the gradients of weights and bias do, in their
/// last bits: it shares the samples out to the threads and adds up. At one number of threads every bit repeats.
package final class Convolution {
    /// What tells one set of primitives from another.
    private struct Key: Hashable {
        let shape: ConvolutionShape
        let image: ElementType
        let result: ElementType
    }
    private struct Cache: ~Copyable {
        var plans: [Key: Convolution] = [:]
    }
    private static let cache = Mutex(Cache())

    /// The primitives for `shape`, made at the first call.
    ///
    /// `image` is the type of the image, its gradient and the result's gradient; `result`, by default the same, that of
    /// the result.
    package static func plan(
        _ shape: ConvolutionShape, image: ElementType = .float32, result: ElementType? = nil
    ) -> Convolution {
        let key = Key(shape: shape, image: image, result: result ?? image)
        return cache.withLock { cache in
            if let plan = cache.plans[key] { return plan }
            let plan = Convolution(key)
            cache.plans[key] = plan
            return plan
        }
    }

    private let lock = Mutex(())
    private let winograd: WinogradConvolution?
    private let layouts: Layouts
    private let forwardDescription: PrimitiveDescription
    private lazy var forwardPass = ForwardPass(forwardDescription, layouts)
    private lazy var addingForwardPass = ForwardPass(
        PrimitiveDescription(forward: layouts, adds: true), layouts)
    private lazy var dataPass = DataPass(layouts, hint: forwardDescription)
    private lazy var weightsPass = WeightsPass(layouts, hint: forwardDescription)

    private init(_ key: Key) {
        winograd = key.image == key.result ? WinogradConvolution(worthwhileFor: key.shape) : nil
        layouts = Layouts(key.shape, image: key.image, result: key.result)
        forwardDescription = PrimitiveDescription(forward: layouts, adds: false)
    }

    /// The layout of packed weights: forms of equal layout are interchangeable, whatever plan they were packed by.
    package var packedForwardLayout: PackedLayout {
        if let winograd { return winograd.packedForwardLayout }
        return lock.withLock { _ in forwardPass.packedLayout }
    }
    package var packedBackwardLayout: PackedLayout {
        if let winograd { return winograd.packedBackwardLayout }
        return lock.withLock { _ in dataPass.packedLayout }
    }

    /// Packs OIHW weights for ``forward(_:packed:bias:into:addsToResult:)``.
    package func packForward(_ weights: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        if let winograd { return winograd.transformForward(weights, into: floats(packed)) }
        lock.withLock { _ in forwardPass.pack(weights, into: packed) }
    }

    /// Packs OIHW weights for ``backwardData(_:packed:into:)``.
    package func packBackward(_ weights: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        if let winograd { return winograd.transformBackward(weights, into: floats(packed)) }
        lock.withLock { _ in dataPass.pack(weights, into: packed) }
    }

    /// Writes the output `[N, OH, OW, K]` for the image `[N, H, W, C]`; `bias` `[K]`.
    ///
    /// Where `addsToResult`, what is in the result's memory is added before the sum is rounded and stored.
    package func forward(
        _ x: ActivationPointer, packed: UnsafeMutableRawPointer, bias: UnsafePointer<Float>,
        into result: ActivationPointer, addsToResult: Bool = false
    ) {
        if let winograd {
            return winograd.forward(
                x, weights: floats(packed), bias: bias, into: result, addsToResult: addsToResult)
        }
        lock.withLock { _ in
            (addsToResult ? addingForwardPass : forwardPass).run(x, packed, bias, result)
        }
    }

    /// Writes the gradient of the image, given that of the output, both of the image's type.
    package func backwardData(
        _ gradient: ActivationPointer, packed: UnsafeMutableRawPointer, into result: ActivationPointer
    ) {
        if let winograd {
            return winograd.backwardData(
                gradient, weights: floats(packed), into: result)
        }
        lock.withLock { _ in dataPass.run(gradient, packed, result) }
    }

    /// The floats of scratch memory that ``backwardWeights(_:gradient:weights:bias:scratch:)`` needs.
    package var gradientScratchCount: Int { winograd == nil ? lock.withLock { _ in weightsPass.scratchCount } : 0 }

    /// Adds the gradients of the weights (OIHW) and of the bias, given the image and the output's gradient, both of the
    /// image's type.
    package func backwardWeights(
        _ x: ActivationPointer, gradient: ActivationPointer, weights: UnsafeMutablePointer<Float>,
        bias biasGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
    ) {
        if let winograd {
            return winograd.backwardWeights(
                x, gradient: gradient, weights: weights, bias: biasGradient)
        }
        lock.withLock { _ in weightsPass.run(x, gradient, weights, biasGradient, scratch) }
    }

    private func floats(_ packed: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
        packed.assumingMemoryBound(to: Float.self)
    }
}

extension Convolution {
    /// The bytes of weights packed for one direction, as far as they are known without making primitives: Winograd's
    /// transforms exactly, oneDNN's layouts by their rule of filling channels up to multiples of 16.
    package static func packedByteCount(_ shape: ConvolutionShape, image: ElementType) -> Int {
        if let winograd = WinogradConvolution(worthwhileFor: shape) { return 4 * winograd.transformedWeightsCount }
        func filled(_ channels: Int) -> Int { channels < 16 ? channels : (channels + 15) / 16 * 16 }
        return filled(shape.inputChannels) * filled(shape.outputChannels) * shape.kernel * shape.kernel
            * image.byteCount
    }
}

extension WinogradConvolution {
    /// The algorithm where it is faster than the definition; nil elsewhere.
    ///
    /// The transformed weights are four times the size of the weights, and are read for every block of tiles of 4 x 4
    /// pixels. Where they come as fast as they are multiplied that costs little, so few tiles are enough to gain by it;
    /// from further away it costs more than is saved unless there are many.
    fileprivate init?(worthwhileFor shape: ConvolutionShape) {
        self.init(shape)
        let tiles = shape.samples * ((shape.height + 3) / 4) * ((shape.width + 3) / 4)
        let areNear = transformedWeightsCount <= Self.nearWeightsFloats
        guard tiles >= (areNear ? Self.fewestTilesNear : Self.fewestTiles) else { return nil }
    }

    /// With AVX-512 as many floats as a core's second-level cache of 1 MiB holds. Products of half that width can wait for
    /// the shared cache.
    private static var nearWeightsFloats: Int { shim_vectors_in_registers() > 16 ? 1 << 18 : sharedWeightsFloats }
    private static let fewestTilesNear = 16
    private static let fewestTiles = 128

    fileprivate var packedForwardLayout: PackedLayout { PackedLayout(transformed: transformedWeightsCount, .forward) }
    fileprivate var packedBackwardLayout: PackedLayout { PackedLayout(transformed: transformedWeightsCount, .backward) }
}

/// The layout of packed weights.
package struct PackedLayout: Hashable, Sendable {
    /// A direction that Winograd's transform of the weights serves; at one size of weights there is one layout for each.
    enum Direction: Hashable {
        case forward, backward
    }

    private enum Kind: Hashable {
        case transformed(Direction)
        /// One of oneDNN's; equal numbers for equal layouts.
        case numbered(Int)
    }
    private let kind: Kind
    /// The size, padding included.
    package let byteCount: Int

    /// Winograd's transform of the weights, of so many floats.
    init(transformed floats: Int, _ direction: Direction) {
        (kind, byteCount) = (.transformed(direction), 4 * floats)
    }

    private struct Table: ~Copyable {
        var layouts: [dnnl_memory_desc_t] = []
    }
    private static let table = Mutex(Table())

    init(_ layout: dnnl_memory_desc_t) {
        var layout = layout
        byteCount = dnnl_memory_desc_get_size(&layout)
        kind = Self.table.withLock { table in
            for index in table.layouts.indices where dnnl_memory_desc_equal(&table.layouts[index], &layout) != 0 {
                return .numbered(index)
            }
            table.layouts.append(layout)
            return .numbered(table.layouts.count - 1)
        }
    }
}

/// The layouts of a convolution's arguments as we hold them.
private struct Layouts {
    let image: dnnl_memory_desc_t, imageGradient: dnnl_memory_desc_t
    let result: dnnl_memory_desc_t, resultGradient: dnnl_memory_desc_t
    /// OIHW, and what oneDNN may choose itself: of the image's type, and float32 for the gradient.
    let plainWeights: dnnl_memory_desc_t, anyWeights: dnnl_memory_desc_t, anyGradient: dnnl_memory_desc_t
    let bias: dnnl_memory_desc_t
    let strides: [Int64], padding: [Int64]

    init(_ shape: ConvolutionShape, image imageType: ElementType, result resultType: ElementType) {
        let imageSizes = [shape.samples, shape.inputChannels, shape.height, shape.width].map(Int64.init)
        let resultSizes = [shape.samples, shape.outputChannels, shape.outputHeight, shape.outputWidth].map(Int64.init)
        let kernel = [shape.outputChannels, shape.inputChannels, shape.kernel, shape.kernel].map(Int64.init)
        image = Library.layout(imageSizes, dnnl_nhwc, imageType)
        imageGradient = image
        result = Library.layout(resultSizes, dnnl_nhwc, resultType)
        resultGradient = Library.layout(resultSizes, dnnl_nhwc, imageType)
        plainWeights = Library.layout(kernel, dnnl_oihw)
        anyWeights = Library.layout(kernel, dnnl_format_tag_any, imageType)
        anyGradient = Library.layout(kernel, dnnl_format_tag_any)
        bias = Library.layout([Int64(shape.outputChannels)], dnnl_x)
        strides = [Int64(shape.stride), Int64(shape.stride)]
        padding = [Int64(shape.padding), Int64(shape.padding)]
    }
}

extension PrimitiveDescription {
    /// The forward pass, which with `adds` adds to the result's memory.
    fileprivate convenience init(forward layouts: Layouts, adds: Bool) {
        // A primitive is made for the number of threads that it will find.
        ThreadPool.applyToCallingThread()
        var operation = dnnl_convolution_desc_t()
        var (image, weights, bias, result) = (layouts.image, layouts.anyWeights, layouts.bias, layouts.result)
        Library.check(
            dnnl_convolution_forward_desc_init(
                &operation, dnnl_forward_training, dnnl_convolution_direct, &image, &weights, &bias, &result,
                layouts.strides, layouts.padding, layouts.padding), "convolution forward")
        self.init(&operation, hint: nil, adding: adds)
    }
}

private struct ForwardPass {
    let packedLayout: PackedLayout
    private let primitive: Primitive, packing: Primitive
    private let image: Memory, weights: Memory, plainWeights: Memory, bias: Memory, result: Memory

    init(_ description: PrimitiveDescription, _ layouts: Layouts) {
        ThreadPool.applyToCallingThread()
        let packed = description.layout(dnnl_query_weights_md)
        packedLayout = PackedLayout(packed)
        primitive = Primitive(description, .convolutionForward)
        packing = Primitive(
            PrimitiveDescription(reorderFrom: layouts.plainWeights, to: packed, adding: false), .packing)
        (image, weights, plainWeights) = (Memory(layouts.image), Memory(packed), Memory(layouts.plainWeights))
        (bias, result) = (Memory(layouts.bias), Memory(layouts.result))
    }

    func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        packing.execute(
            (DNNL_ARG_FROM, plainWeights, UnsafeMutableRawPointer(mutating: plain)), (DNNL_ARG_TO, weights, packed))
    }

    func run(
        _ x: ActivationPointer, _ packed: UnsafeMutableRawPointer, _ bias: UnsafePointer<Float>,
        _ result: ActivationPointer
    ) {
        primitive.execute(
            (DNNL_ARG_SRC, image, x.address), (DNNL_ARG_WEIGHTS, weights, packed),
            (DNNL_ARG_BIAS, self.bias, UnsafeMutableRawPointer(mutating: bias)),
            (DNNL_ARG_DST, self.result, result.address))
    }
}

private struct DataPass {
    let packedLayout: PackedLayout
    private let primitive: Primitive, packing: Primitive
    private let gradient: Memory, weights: Memory, plainWeights: Memory, result: Memory

    init(_ layouts: Layouts, hint: PrimitiveDescription) {
        ThreadPool.applyToCallingThread()
        var operation = dnnl_convolution_desc_t()
        var (image, weights, gradient) = (layouts.imageGradient, layouts.anyWeights, layouts.resultGradient)
        Library.check(
            dnnl_convolution_backward_data_desc_init(
                &operation, dnnl_convolution_direct, &image, &weights, &gradient, layouts.strides, layouts.padding,
                layouts.padding), "convolution backward data")
        let description = PrimitiveDescription(&operation, hint: hint)
        let packed = description.layout(dnnl_query_weights_md)
        packedLayout = PackedLayout(packed)
        primitive = Primitive(description, .convolutionBackwardData)
        packing = Primitive(
            PrimitiveDescription(reorderFrom: layouts.plainWeights, to: packed, adding: false), .packing)
        self.gradient = Memory(gradient)
        self.weights = Memory(packed)
        plainWeights = Memory(layouts.plainWeights)
        result = Memory(image)
    }

    func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        packing.execute(
            (DNNL_ARG_FROM, plainWeights, UnsafeMutableRawPointer(mutating: plain)), (DNNL_ARG_TO, weights, packed))
    }

    func run(_ gradient: ActivationPointer, _ packed: UnsafeMutableRawPointer, _ result: ActivationPointer) {
        primitive.execute(
            (DNNL_ARG_DIFF_DST, self.gradient, gradient.address), (DNNL_ARG_WEIGHTS, weights, packed),
            (DNNL_ARG_DIFF_SRC, self.result, result.address))
    }
}

private struct WeightsPass {
    private let primitive: Primitive, unpacking: Primitive
    private let image: Memory, gradient: Memory, packedGradient: Memory, plainWeights: Memory, bias: Memory

    init(_ layouts: Layouts, hint: PrimitiveDescription) {
        ThreadPool.applyToCallingThread()
        var operation = dnnl_convolution_desc_t()
        var (image, weights, bias) = (layouts.image, layouts.anyGradient, layouts.bias)
        var gradient = layouts.resultGradient
        Library.check(
            dnnl_convolution_backward_weights_desc_init(
                &operation, dnnl_convolution_direct, &image, &weights, &bias, &gradient, layouts.strides,
                layouts.padding, layouts.padding), "convolution backward weights")
        let description = PrimitiveDescription(&operation, hint: hint)
        let packed = description.layout(dnnl_query_diff_weights_md)
        primitive = Primitive(description, .convolutionBackwardWeights)
        unpacking = Primitive(
            PrimitiveDescription(reorderFrom: packed, to: layouts.plainWeights, adding: true), .packing)
        (self.image, self.gradient) = (Memory(image), Memory(gradient))
        (packedGradient, plainWeights) = (Memory(packed), Memory(layouts.plainWeights))
        self.bias = Memory(bias)
    }

    var scratchCount: Int { (packedGradient.byteCount + bias.byteCount) / 4 }

    func run(
        _ x: ActivationPointer, _ gradient: ActivationPointer, _ weights: UnsafeMutablePointer<Float>,
        _ biasGradient: UnsafeMutablePointer<Float>?, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let biasScratch = scratch + packedGradient.byteCount / 4
        primitive.execute(
            (DNNL_ARG_SRC, image, x.address), (DNNL_ARG_DIFF_DST, self.gradient, gradient.address),
            (DNNL_ARG_DIFF_WEIGHTS, packedGradient, UnsafeMutableRawPointer(scratch)),
            (DNNL_ARG_DIFF_BIAS, bias, UnsafeMutableRawPointer(biasScratch)))
        unpacking.execute(
            (DNNL_ARG_FROM, packedGradient, UnsafeMutableRawPointer(scratch)),
            (DNNL_ARG_TO, plainWeights, UnsafeMutableRawPointer(weights)))
        if let biasGradient {
            Elementwise.add(biasGradient, biasScratch, into: biasGradient, count: bias.byteCount / 4)
        }
    }
}
