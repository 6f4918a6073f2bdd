import COneDNN
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

/// oneDNN's primitives for one shape, made once. oneDNN picks its own layout of the weights; packing into it is a
/// separate call, so that weights that do not change are packed once.
///
/// Threading: every call takes the object's lock, since a primitive owns one scratch area. The output and the image's
/// gradient do not depend on the number of threads. The gradients of weights and bias do, in their last bits: oneDNN
/// shares the samples out to the threads and adds up. At one number of threads every bit repeats.
package final class Convolution {
    private struct Cache: ~Copyable {
        var plans: [ConvolutionShape: Convolution] = [:]
    }
    private static let cache = Mutex(Cache())

    /// The primitives for `shape`, made at the first call.
    package static func plan(_ shape: ConvolutionShape) -> Convolution {
        cache.withLock { cache in
            if let plan = cache.plans[shape] { return plan }
            let plan = Convolution(shape)
            cache.plans[shape] = plan
            return plan
        }
    }

    private let lock = Mutex(())
    private let forwardPrimitive: Primitive
    private let dataPrimitive: Primitive
    private let weightsPrimitive: Primitive
    private let packForwardPrimitive: Primitive
    private let packBackwardPrimitive: Primitive
    private let unpackGradientPrimitive: Primitive
    private let source: Memory, destination: Memory, bias: Memory, plainWeights: Memory
    private let forwardWeights: Memory, backwardWeights: Memory, weightsGradient: Memory

    /// The bytes of the weights packed for the forward pass, and for the gradient of the image.
    package var packedForwardByteCount: Int { forwardWeights.byteCount }
    package var packedBackwardByteCount: Int { backwardWeights.byteCount }

    private init(_ shape: ConvolutionShape) {
        // A primitive is made for the number of threads that it will find.
        ThreadPool.applyToCallingThread()
        let image = [shape.samples, shape.inputChannels, shape.height, shape.width].map(Int64.init)
        let output = [shape.samples, shape.outputChannels, shape.outputHeight, shape.outputWidth].map(Int64.init)
        let kernel = [shape.outputChannels, shape.inputChannels, shape.kernel, shape.kernel].map(Int64.init)
        let strides = [Int64(shape.stride), Int64(shape.stride)]
        let padding = [Int64(shape.padding), Int64(shape.padding)]
        var sourceLayout = Library.layout(image, dnnl_nhwc)
        var destinationLayout = Library.layout(output, dnnl_nhwc)
        var anyWeights = Library.layout(kernel, dnnl_format_tag_any)
        var plain = Library.layout(kernel, dnnl_oihw)
        var biasLayout = Library.layout([Int64(shape.outputChannels)], dnnl_x)

        var operation = dnnl_convolution_desc_t()
        Library.check(
            dnnl_convolution_forward_desc_init(
                &operation, dnnl_forward_training, dnnl_convolution_direct, &sourceLayout, &anyWeights, &biasLayout,
                &destinationLayout, strides, padding, padding), "convolution forward")
        let forward = PrimitiveDescription(&operation, hint: nil)
        Library.check(
            dnnl_convolution_backward_data_desc_init(
                &operation, dnnl_convolution_direct, &sourceLayout, &anyWeights, &destinationLayout, strides, padding,
                padding), "convolution backward data")
        let data = PrimitiveDescription(&operation, hint: forward)
        Library.check(
            dnnl_convolution_backward_weights_desc_init(
                &operation, dnnl_convolution_direct, &sourceLayout, &anyWeights, &biasLayout, &destinationLayout,
                strides, padding, padding), "convolution backward weights")
        let weights = PrimitiveDescription(&operation, hint: forward)

        var forwardLayout = forward.layout(dnnl_query_weights_md)
        var backwardLayout = data.layout(dnnl_query_weights_md)
        var gradientLayout = weights.layout(dnnl_query_diff_weights_md)
        forwardPrimitive = Primitive(forward, .convolutionForward)
        dataPrimitive = Primitive(data, .convolutionBackwardData)
        weightsPrimitive = Primitive(weights, .convolutionBackwardWeights)
        packForwardPrimitive = Primitive(
            PrimitiveDescription(reorderFrom: &plain, to: &forwardLayout, adding: false), .packing)
        packBackwardPrimitive = Primitive(
            PrimitiveDescription(reorderFrom: &plain, to: &backwardLayout, adding: false), .packing)
        unpackGradientPrimitive = Primitive(
            PrimitiveDescription(reorderFrom: &gradientLayout, to: &plain, adding: true), .packing)
        source = Memory(&sourceLayout)
        destination = Memory(&destinationLayout)
        bias = Memory(&biasLayout)
        plainWeights = Memory(&plain)
        forwardWeights = Memory(&forwardLayout)
        backwardWeights = Memory(&backwardLayout)
        weightsGradient = Memory(&gradientLayout)
    }

    /// Packs OIHW weights for ``forward(_:packed:bias:into:)``.
    package func packForward(_ weights: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        lock.withLock { _ in
            packForwardPrimitive.execute(
                (DNNL_ARG_FROM, plainWeights, UnsafeMutableRawPointer(mutating: weights)),
                (DNNL_ARG_TO, forwardWeights, packed))
        }
    }

    /// Packs OIHW weights for ``backwardData(_:packed:into:)``.
    package func packBackward(_ weights: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
        lock.withLock { _ in
            packBackwardPrimitive.execute(
                (DNNL_ARG_FROM, plainWeights, UnsafeMutableRawPointer(mutating: weights)),
                (DNNL_ARG_TO, backwardWeights, packed))
        }
    }

    /// Writes the output `[N, OH, OW, K]` for the image `[N, H, W, C]`; `bias` `[K]`.
    package func forward(
        _ x: UnsafePointer<Float>, packed: UnsafeMutableRawPointer, bias: UnsafePointer<Float>,
        into result: UnsafeMutablePointer<Float>
    ) {
        lock.withLock { _ in
            forwardPrimitive.execute(
                (DNNL_ARG_SRC, source, UnsafeMutableRawPointer(mutating: x)),
                (DNNL_ARG_WEIGHTS, forwardWeights, packed),
                (DNNL_ARG_BIAS, self.bias, UnsafeMutableRawPointer(mutating: bias)),
                (DNNL_ARG_DST, destination, UnsafeMutableRawPointer(result)))
        }
    }

    /// Writes the gradient of the image, given that of the output.
    package func backwardData(
        _ gradient: UnsafePointer<Float>, packed: UnsafeMutableRawPointer, into result: UnsafeMutablePointer<Float>
    ) {
        lock.withLock { _ in
            dataPrimitive.execute(
                (DNNL_ARG_DIFF_DST, destination, UnsafeMutableRawPointer(mutating: gradient)),
                (DNNL_ARG_WEIGHTS, backwardWeights, packed),
                (DNNL_ARG_DIFF_SRC, source, UnsafeMutableRawPointer(result)))
        }
    }

    /// The floats of scratch memory that ``backwardWeights(_:gradient:weights:bias:scratch:)`` needs.
    package var gradientScratchCount: Int { (weightsGradient.byteCount + bias.byteCount) / 4 }

    /// Adds the gradients of the weights (OIHW) and of the bias, given the image and the output's gradient.
    package func backwardWeights(
        _ x: UnsafePointer<Float>, gradient: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
        bias biasGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
    ) {
        let biasScratch = scratch + weightsGradient.byteCount / 4
        lock.withLock { _ in
            weightsPrimitive.execute(
                (DNNL_ARG_SRC, source, UnsafeMutableRawPointer(mutating: x)),
                (DNNL_ARG_DIFF_DST, destination, UnsafeMutableRawPointer(mutating: gradient)),
                (DNNL_ARG_DIFF_WEIGHTS, weightsGradient, UnsafeMutableRawPointer(scratch)),
                (DNNL_ARG_DIFF_BIAS, self.bias, UnsafeMutableRawPointer(biasScratch)))
            unpackGradientPrimitive.execute(
                (DNNL_ARG_FROM, weightsGradient, UnsafeMutableRawPointer(scratch)),
                (DNNL_ARG_TO, plainWeights, UnsafeMutableRawPointer(weights)))
        }
        if let biasGradient {
            Elementwise.add(biasGradient, biasScratch, into: biasGradient, count: bias.byteCount / 4)
        }
    }
}
