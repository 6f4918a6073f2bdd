import Kernels
import Testing

// The number of threads belongs to the whole process, so each of these runs in one of its own.
@Suite struct ThreadCountTests {
    /// Every kernel of ours, at sizes that are cut into pieces.
    private static func ownKernels() -> [[Float]] {
        let count = 70_001
        let (a, b) = (numbers(count, seed: 1), numbers(count, seed: 2))
        var (silu, weights, first, second) = (a, a, b, b.map { $0 * $0 })
        Elementwise.silu(a, into: &silu, count: count)
        OptimizerStep.adamW(
            &weights, gradient: b, firstMoment: &first, secondMoment: &second, average: nil, averageKeep: 0,
            count: count,
            .init(
                learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, gradientScale: 1, update: 1
            ))
        var product = [Float](repeating: 0, count: 600 * 30)
        MatrixProduct.multiply(a, b, into: &product, rows: 600, inner: 50, columns: 30)
        let (large, small) = (Activations(unwritten: 65_536), Activations(unwritten: 16_384))
        let image = Activations(a)
        Resampling.upsample(image.pointer, into: large.pointer, samples: 4, height: 16, width: 16, channels: 16)
        Resampling.downsample(
            image.pointer, into: small.pointer, samples: 4, height: 16, width: 16, channels: 16, factor: 0.25)
        let normalization = NormalizationCase(
            samples: 4, pixels: 64, channels: 65, groups: 13, isModulated: true, activates: true)
        let normalized = NormalizationResults(normalization, NormalizationData(normalization))
        let attention = AttentionResults(AttentionCase(samples: 4, pixels: 16, heads: 2, headChannels: 64))
        return [
            silu, weights, first, second, product, large.values, small.values, normalized.output, normalized.gradient,
            normalized.gammaGradient, normalized.modulationGradient, attention.output, attention.gradient,
        ]
    }

    @Test("Our own kernels give equal bits at one and at two threads")
    func ownKernelsDoNotDependOnThreads() async {
        await #expect(processExitsWith: .success) {
            let one = Self.ownKernels()
            let total = OptimizerStep.sumOfSquares(numbers(200_000, seed: 3), count: 200_000)
            ThreadPool.configure(threadCount: 2)
            #expect(ThreadPool.threadCount == 2)
            #expect(Self.ownKernels() == one)
            #expect(OptimizerStep.sumOfSquares(numbers(200_000, seed: 3), count: 200_000) == total)
        }
    }

    @Test(
        "Attention in bfloat16 gives equal bits at one and at two threads, each time",
        .enabled(if: Processor.hasBFloat16, "needs AVX512-BF16"))
    func bfloat16AttentionDoesNotDependOnThreads() async {
        await #expect(processExitsWith: .success) {
            let sample = AttentionCase(samples: 8, pixels: 64, heads: 2, headChannels: 64)
            let one = AttentionResults(sample, as: .bfloat16)
            ThreadPool.configure(threadCount: 2)
            for _ in 0..<10 { #expect(AttentionResults(sample, as: .bfloat16) == one) }
        }
    }

    /// At kernel 1 and these sizes oneDNN's weight gradient is known to depend on the threads.
    private static func convolution(kernel: Int) -> ConvolutionShape {
        ConvolutionShape(
            samples: 8, height: 8, width: 8, inputChannels: 64, outputChannels: 64, kernel: kernel, stride: 1,
            padding: kernel / 2)
    }

    @Test(
        "A convolution and its image gradient do not depend on the threads; its weights' gradient does, and repeats",
        arguments: [1, 3])
    func convolutionAndThreads(kernel: Int) async {
        let shape = Self.convolution(kernel: kernel)
        let one = ConvolutionResults(shape, ConvolutionData(shape))
        await #expect(processExitsWith: .success) { [kernel = kernel as Int, one = one as ConvolutionResults] in
            ThreadPool.configure(threadCount: 2)
            let shape = Self.convolution(kernel: kernel)
            let two = ConvolutionResults(shape, ConvolutionData(shape))
            #expect(two.output == one.output && two.imageGradient == one.imageGradient)
            // Another order of 512 products of magnitude 1, each rounded to 6e-8.
            #expect(largestError(two.weightsGradient, one.weightsGradient.map(Double.init)) < 2e-6)
            #expect(largestError(two.biasGradient, one.biasGradient.map(Double.init)) < 2e-6)
            #expect(ConvolutionResults(shape, ConvolutionData(shape)) == two)
        }
    }

    @Test("Every piece is done once, whatever the number of threads and pieces")
    func piecesAreCovered() async {
        await #expect(processExitsWith: .success) {
            ThreadPool.configure(threadCount: 3)
            for count in [0, 1, 2, 3, 7, 100] {
                var visits = [Int](repeating: 0, count: count)
                visits.withUnsafeMutableBufferPointer { visits in
                    nonisolated(unsafe) let visits = visits
                    ThreadPool.forEach(count) { visits[$0] += 1 }
                    ThreadPool.forRanges(count, grain: 2) { for index in $0 { visits[index] += 1 } }
                }
                #expect(visits.allSatisfy { $0 == 2 })
            }
        }
    }

    @Test("No threads at all trap")
    func zeroThreadsTrap() async {
        await #expect(processExitsWith: .failure) { ThreadPool.configure(threadCount: 0) }
    }
}
