import Foundation
import Kernels
import Synchronization
import Testing

/// The definition of a convolution and of its three gradients, in double precision.
struct PlainConvolution {
    private(set) var output: [Double]
    private(set) var imageGradient: [Double]
    private(set) var weightsGradient: [Double]
    private(set) var biasGradient: [Double]

    init(_ s: ConvolutionShape, _ data: ConvolutionData) {
        output = data.gradient.map { _ in 0 }
        (imageGradient, weightsGradient) = (data.x.map { _ in 0 }, data.weights.map { _ in 0 })
        biasGradient = data.bias.map { _ in 0 }
        for index in output.indices {
            let (pixel, k) = (index / s.outputChannels, index % s.outputChannels)
            let (n, oh, ow) = (
                pixel / (s.outputHeight * s.outputWidth), pixel / s.outputWidth % s.outputHeight, pixel % s.outputWidth
            )
            let dy = Double(data.gradient[index])
            output[index] += Double(data.bias[k])
            biasGradient[k] += dy
            for kernel in 0..<s.kernel * s.kernel {
                let h = oh * s.stride - s.padding + kernel / s.kernel
                let w = ow * s.stride - s.padding + kernel % s.kernel
                guard (0..<s.height).contains(h), (0..<s.width).contains(w) else { continue }
                for c in 0..<s.inputChannels {
                    let image = ((n * s.height + h) * s.width + w) * s.inputChannels + c
                    let weight = (k * s.inputChannels + c) * s.kernel * s.kernel + kernel
                    output[index] += Double(data.x[image]) * Double(data.weights[weight])
                    imageGradient[image] += Double(data.weights[weight]) * dy
                    weightsGradient[weight] += Double(data.x[image]) * dy
                }
            }
        }
    }
}

@Test("A convolution and its gradients equal the definition", arguments: ConvolutionShape.covered)
func convolutionEqualsDefinition(shape: ConvolutionShape) {
    let data = ConvolutionData(shape)
    let expected = PlainConvolution(shape, data)
    let actual = ConvolutionResults(shape, data)
    // Sums of at most 600 products of magnitude 1, each rounded to 6e-8; the errors grow like the root of their number.
    #expect(largestError(actual.output, expected.output) < 2e-6)
    #expect(largestError(actual.imageGradient, expected.imageGradient) < 2e-6)
    #expect(
        largestError(actual.weightsGradient, expected.weightsGradient.map { $0 + 1 }) < 2e-6, "added to the 1 there")
    #expect(largestError(actual.biasGradient, expected.biasGradient.map { $0 + 1 }) < 2e-6, "added to the 1 there")
}

@Test("Without a bias gradient wanted, the weights' gradient is the same")
func convolutionWithoutBiasGradient() {
    let shape = ConvolutionShape(
        samples: 2, height: 3, width: 4, inputChannels: 3, outputChannels: 5, kernel: 3, stride: 1, padding: 1)
    let data = ConvolutionData(shape)
    let plan = Convolution.plan(shape)
    var gradient = data.weights.map { _ in Float(1) }
    var scratch = [Float](repeating: .nan, count: plan.gradientScratchCount)
    plan.backwardWeights(
        Activations(data.x).pointer, gradient: Activations(data.gradient).pointer, weights: &gradient, bias: nil,
        scratch: &scratch)
    #expect(gradient == ConvolutionResults(shape, data).weightsGradient)
}

@Test("A convolution runs on a thread that has made none", arguments: ConvolutionShape.covered)
func convolutionOnAnotherThread(shape: ConvolutionShape) {
    let data = ConvolutionData(shape)
    let first = onThread { ConvolutionResults(shape, data) }
    let second = onThread { ConvolutionResults(shape, data) }
    #expect(second.output == first.output)
    #expect(second.imageGradient == first.imageGradient)
    #expect(second.weightsGradient == first.weightsGradient)
}

private final class Place<Value: Sendable>: Sendable {
    let value: Mutex<Value?>

    init() { value = Mutex(nil) }
}

/// What `body` returns on a thread of its own, which has ended then.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
    let (place, ended) = (Place<Value>(), DispatchSemaphore(value: 0))
    Thread.detachNewThread {
        let value = body()
        place.value.withLock { $0 = value }
        ended.signal()
    }
    ended.wait()
    guard let value = place.value.withLock({ $0 }) else { preconditionFailure("a thread that has ended left no value") }
    return value
}

@Test("One shape has one plan, whoever asks")
func convolutionPlansAreShared() {
    let shape = ConvolutionShape.covered[0]
    #expect(Convolution.plan(shape) === Convolution.plan(shape))
}

@Test(
    "In bfloat16 a convolution and its gradients stay near the definition",
    .enabled(if: Processor.hasBFloat16, "needs AVX512-BF16"),
    arguments: [ConvolutionShape.covered[5], ConvolutionShape.covered[12]])
func bfloat16Convolution(shape: ConvolutionShape) {
    let data = ConvolutionData(shape)
    let expected = PlainConvolution(shape, data)
    let actual = ConvolutionResults(shape, data, image: .bfloat16)
    // Every operand rounded to 8 bits, 2e-3 on average, and again the result; the sums themselves are float32.
    #expect(largestError(actual.output, expected.output) < 1e-2)
    #expect(largestError(actual.imageGradient, expected.imageGradient) < 1e-2)
    #expect(largestError(actual.weightsGradient, expected.weightsGradient.map { $0 + 1 }) < 1e-2)
    #expect(largestError(actual.biasGradient, expected.biasGradient.map { $0 + 1 }) < 1e-2)
}

@Test("A convolution that adds to its result keeps what was there")
func addingConvolution() {
    let shape = ConvolutionShape(
        samples: 2, height: 3, width: 4, inputChannels: 16, outputChannels: 17, kernel: 3, stride: 1, padding: 1)
    let data = ConvolutionData(shape)
    let expected = PlainConvolution(shape, data).output.enumerated().map { $1 + Double(data.gradient[$0]) }
    let plan = Convolution.plan(shape)
    let (x, y) = (Activations(data.x), Activations(data.gradient))
    withUnsafeTemporaryAllocation(byteCount: plan.packedForwardLayout.byteCount, alignment: 64) { packed in
        guard let packed = packed.baseAddress else { return }
        plan.packForward(data.weights, into: packed)
        plan.forward(x.pointer, packed: packed, bias: data.bias, into: y.pointer, addsToResult: true)
    }
    // As in the test without an addend.
    #expect(largestError(y.values, expected) < 2e-6)
}
