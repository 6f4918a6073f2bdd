import Diffusion
import Distillation
import Kernels
import Layers
import Tensors

/// Times each kernel at the shapes of a configuration's network, against the machine's peaks.
package struct KernelBenchmark {
    /// One kernel at one shape.
    package struct Row: Codable, Sendable {
        /// What is computed, such as `convolution forward`.
        package let kernel: String
        /// Sizes, such as `3x3 64->64 at 32x32`.
        package let shape: String
        /// The element type of the operands.
        package let precision: String
        /// Median over the calls.
        package let milliseconds: Double
        /// Billions of operations or of bytes a second.
        package let rate: Double
        /// What `rate` counts: `GFLOP/s` or `GB/s`.
        package let unit: String
        /// `rate` as a share of the peak of its kind. A kernel whose arrays fit into a cache may exceed the memory's.
        package let share_of_peak: Double
        /// Of a convolution: its kernel's side and channels; of all that see images, the side of one, pixels.
        package let kernel_side: Int?, inputs: Int?, outputs: Int?, side: Int?
    }

    /// What was measured.
    package struct Measurement: Codable, Sendable {
        package let threads: Int
        package let batch: Int
        package let peak: MachinePeak
        package let kernels: [Row]
    }

    /// What bounds a kernel, and how much of it a call takes.
    private enum Work {
        /// Floating-point operations.
        case arithmetic(Double)
        /// Bytes that must be read or written at least once, each array once.
        case memory(Double)
    }

    /// Where in the network a kernel is, as far as it says which one of its kind it is.
    private struct Place {
        var kernelSide: Int?, inputs: Int?, outputs: Int?, side: Int?
    }

    private let configuration: RunConfiguration
    private let secondsPerKernel: Double
    private let callsPerKernel: Int
    private let triadMebibytes: Int
    private let batch: Int

    /// Shapes are those of the configuration's channels and of `batch` images, by default its batch; threads are
    /// `launch.threadsPerRank`. A kernel is called for `secondsPerKernel` and at least `callsPerKernel` times. Each of the
    /// three arrays of the memory's peak has `triadMebibytes`, which must be far more than the caches for a true figure.
    package init(
        _ configuration: RunConfiguration, batch: Int? = nil, secondsPerKernel: Double = 0.2, callsPerKernel: Int = 7,
        triadMebibytes: Int = 256
    ) {
        (self.configuration, self.batch) = (configuration, batch ?? configuration.distil.batch)
        (self.secondsPerKernel, self.callsPerKernel) = (secondsPerKernel, callsPerKernel)
        self.triadMebibytes = triadMebibytes
    }

    /// Measures every kernel, and the peaks before and after them.
    package func run() -> Measurement {
        ThreadPool.configure(threadCount: configuration.launch.threadsPerRank)
        let peakBefore = MachinePeak.measure(triadMebibytes: triadMebibytes)
        var timed: [Timed] = []
        for type in Processor.hasBFloat16 ? ElementType.allCases : [.float32] {
            func measure(_ kernel: String, _ shape: String, _ place: Place, _ work: Work, _ body: () -> Void) {
                timed.append(
                    Timed(
                        kernel: kernel, shape: shape, place: place, type: type, work: work,
                        seconds: medianSeconds(body)))
            }
            measureConvolutions(type, measure)
            measureNormalization(type, measure)
            measureAttention(type, measure)
            if type == .float32 { measureLinearAlgebra(measure) }
        }
        let peak = peakBefore.merged(with: .measure())
        return Measurement(
            threads: ThreadPool.threadCount, batch: batch, peak: peak,
            kernels: timed.map { $0.row(peak) })
    }

    private typealias Measure = (
        _ kernel: String, _ shape: String, _ place: Place, _ work: Work, _ body: () -> Void
    ) -> Void

    private func measureConvolutions(_ type: ElementType, _ measure: Measure) {
        let network = configuration.network
        let (fine, coarse) = (network.levelChannels[0], network.bottleneckChannels)
        let sides = network.resolutions
        var shapes = [(side: sides[0], inputs: fine, outputs: fine, kernel: 3)]
        shapes.append((sides[0], fine + coarse, fine, 3))
        shapes += sides.dropFirst().map { ($0, coarse, coarse, 3) }
        shapes += attendingResolutions.map { ($0, coarse, 3 * coarse, 1) }
        // Where the channels of a block change, at the finest level, its input passes by through one of these.
        shapes.append((sides[0], fine + coarse, fine, 1))
        for (side, inputs, outputs, kernel) in shapes {
            let plan = Convolution.plan(
                ConvolutionShape(
                    samples: batch, height: side, width: side, inputChannels: inputs, outputChannels: outputs,
                    kernel: kernel, stride: 1, padding: kernel / 2), image: type)
            let x = values(batch * side * side * inputs).converted(to: type)
            let y = values(batch * side * side * outputs).converted(to: type)
            let weights = values(outputs * inputs * kernel * kernel)
            let bias = values(outputs)
            let forwardWeights = Tensor(uninitialized: Shape((plan.packedForwardLayout.byteCount + 3) / 4))
            let backwardWeights = Tensor(uninitialized: Shape((plan.packedBackwardLayout.byteCount + 3) / 4))
            let scratch = Tensor(uninitialized: Shape(plan.gradientScratchCount))
            plan.packForward(weights.pointer, into: forwardWeights.pointer)
            plan.packBackward(weights.pointer, into: backwardWeights.pointer)
            let covered = Self.coveredPixels(kernel: kernel, side: side)
            let work = Work.arithmetic(2 * Double(batch * inputs * outputs * covered * covered))
            let text = "\(kernel)x\(kernel) \(inputs)->\(outputs) at \(side)x\(side)"
            let place = Place(kernelSide: kernel, inputs: inputs, outputs: outputs, side: side)
            measure("convolution forward", text, place, work) {
                plan.forward(
                    x.activations, packed: forwardWeights.pointer, bias: bias.pointer, into: y.activations)
            }
            measure("convolution backward data", text, place, work) {
                plan.backwardData(y.activations, packed: backwardWeights.pointer, into: x.activations)
            }
            measure("convolution backward weights", text, place, work) {
                plan.backwardWeights(
                    x.activations, gradient: y.activations, weights: weights.pointer, bias: bias.pointer,
                    scratch: scratch.pointer)
            }
            // The weights are read once and their other form is written.
            func packing(_ layout: PackedLayout) -> Work { .memory(Double(4 * weights.count + layout.byteCount)) }
            measure("packing forward", text, place, packing(plan.packedForwardLayout)) {
                plan.packForward(weights.pointer, into: forwardWeights.pointer)
            }
            measure("packing backward", text, place, packing(plan.packedBackwardLayout)) {
                plan.packBackward(weights.pointer, into: backwardWeights.pointer)
            }
        }
    }

    /// How many pixels of an image a kernel covers along one side, over all its places; the zeros around the image, on which
    /// it lies at the edges, are not multiplied.
    static func coveredPixels(kernel: Int, side: Int) -> Int { kernel * side - (kernel / 2) * (kernel / 2 + 1) }

    private func measureNormalization(_ type: ElementType, _ measure: Measure) {
        let network = configuration.network
        for (side, channels) in zip(network.resolutions, network.levelChannels) {
            let pixels = side * side
            let groups = NormalizationLayer.groupCount(channels: channels)
            let kernel = GroupNormalization(
                samples: batch, pixels: pixels, channels: channels, groups: groups, epsilon: 1e-5, activates: true)
            let x = values(batch * pixels * channels).converted(to: type)
            let (y, gradient) = (x.copied(), x.copied())
            let size = Double(type.byteCount * x.count)
            let affine = values(2 * channels)
            let modulation = values(batch * 2 * channels)
            let statistics = values(2 * batch * groups)
            let sums = values(2 * channels)
            let modulationGradient = values(modulation.count)
            let learned = GroupNormalization.Affine(gamma: affine.pointer, beta: affine.pointer + channels)
            let measured = GroupNormalization.Statistics(
                mean: statistics.pointer, rstd: statistics.pointer + batch * groups)
            let text = "\(channels) channels, \(groups) groups at \(side)x\(side)"
            measure("norm, modulation, SiLU forward", text, Place(side: side), .memory(2 * size)) {
                kernel.forward(
                    x.activations, learned, modulation: modulation.pointer, into: y.activations, statistics: measured)
            }
            measure("norm, modulation, SiLU backward", text, Place(side: side), .memory(3 * size)) {
                kernel.backward(
                    x.activations, learned, modulation: modulation.pointer, statistics: measured,
                    gradient: gradient.activations, into: y.activations,
                    .init(
                        gamma: sums.pointer, beta: sums.pointer + channels, modulation: modulationGradient.pointer))
            }
        }
    }

    /// The resolutions with self-attention; every U-Net has it at the bottleneck.
    private var attendingResolutions: [Int] {
        let network = configuration.network
        guard network.backbone != .mlp else { return [] }
        return network.resolutions.filter {
            network.attentionResolutions.contains($0) || $0 == network.bottleneckResolution
        }
    }

    private func measureAttention(_ type: ElementType, _ measure: Measure) {
        let channelsPerHead = 64
        let channels = configuration.network.bottleneckChannels
        for side in attendingResolutions {
            let pixels = side * side
            let heads = max(1, channels / channelsPerHead)
            let kernel = SelfAttention(samples: batch, pixels: pixels, heads: heads, headChannels: channels / heads)
            let qkv = values(batch * pixels * 3 * channels).converted(to: type)
            let y = values(batch * pixels * channels).converted(to: type)
            let gradient = qkv.copied()
            let logSums = values(kernel.logSumCount)
            // Two products of pixels x pixels x channels a sample; their gradients are four, and that the first is made
            // again is not counted.
            let forward = Double(2 * 2 * batch * pixels * pixels * channels)
            let text = "\(heads) heads of \(channels / heads) at \(side)x\(side)"
            measure("self-attention forward", text, Place(side: side), .arithmetic(forward)) {
                kernel.forward(qkv.activations, into: y.activations, logSums: logSums.pointer)
            }
            measure("self-attention backward", text, Place(side: side), .arithmetic(2 * forward)) {
                kernel.backward(
                    qkv.activations, logSums: logSums.pointer, gradient: y.activations, into: gradient.activations)
            }
        }
    }

    private func measureLinearAlgebra(_ measure: Measure) {
        let side = 1024
        let (a, b, c) = (values(side * side), values(side * side), values(side * side))
        let work = Work.arithmetic(2 * Double(side * side * side))
        measure("matrix product", "\(side) x \(side) x \(side)", Place(), work) {
            MatrixProduct.multiply(
                a.pointer, b.pointer, into: c.pointer, rows: side, inner: side, columns: side)
        }
        let network = configuration.network
        let count = batch * network.resolution * network.resolution * network.levelChannels[0]
        let (x, y) = (values(count), values(count))
        measure("add", "\(count) elements", Place(), .memory(Double(3 * 4 * count))) {
            Elementwise.add(x.pointer, y.pointer, into: y.pointer, count: count)
        }
        let parameters = NetworkArrays(configuration)
        let step = OptimizerStep.AdamW(
            learningRate: 1e-6, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, gradientScale: 1, update: 1)
        // Weights and both moments are read and written, the gradient is read.
        measure("AdamW", "\(parameters.count) weights", Place(), .memory(Double(7 * 4 * parameters.count))) {
            OptimizerStep.adamW(
                parameters.weights.pointer, gradient: parameters.gradient.pointer,
                firstMoment: parameters.first.pointer, secondMoment: parameters.second.pointer, average: nil,
                averageKeep: 0, count: parameters.count, step)
        }
    }

    /// The optimiser's arrays for one network.
    private struct NetworkArrays {
        let count: Int
        let weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor

        init(_ configuration: RunConfiguration) {
            count = Denoiser(configuration.network).layout.elementCount
            let shape = Shape(count)
            (weights, gradient) = (Tensor(repeating: 0.5, shape), Tensor(repeating: 0.1, shape))
            (first, second) = (Tensor(repeating: 0, shape), Tensor(repeating: 0, shape))
        }
    }

    private func values(_ count: Int) -> Tensor {
        RandomStream(seed: 1, purpose: .dataOrder).normal(Shape(1, count), step: 0, firstSample: 0)
            .reshaped(Shape(count))
    }

    /// A kernel's time, before it is compared with the peak.
    private struct Timed {
        let kernel: String, shape: String, place: Place, type: ElementType, work: Work, seconds: Double

        func row(_ peak: MachinePeak) -> Row {
            let (amount, unit, limit) =
                switch work {
                case .arithmetic(let count):
                    (count, "GFLOP/s", type == .float32 ? peak.float32_gflops : peak.bfloat16_gflops ?? .nan)
                case .memory(let bytes): (bytes, "GB/s", peak.memory_gigabytes_per_second ?? .nan)
                }
            let rate = amount / seconds / 1e9
            return Row(
                kernel: kernel, shape: shape, precision: type.rawValue, milliseconds: seconds * 1e3, rate: rate,
                unit: unit, share_of_peak: rate / limit, kernel_side: place.kernelSide, inputs: place.inputs,
                outputs: place.outputs, side: place.side)
        }
    }

    /// Calls `body` for the time of a kernel and at least `callsPerKernel` times, after one call that is not timed.
    private func medianSeconds(_ body: () -> Void) -> Double {
        body()
        var seconds: [Double] = []
        let end = monotonicSeconds() + secondsPerKernel
        while seconds.count < callsPerKernel || monotonicSeconds() < end {
            let start = monotonicSeconds()
            body()
            seconds.append(monotonicSeconds() - start)
        }
        return median(seconds)
    }
}

/// The middle value, or the mean of the two in the middle.
///
/// Traps: if there is none.
package func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty, "median of no values")
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
