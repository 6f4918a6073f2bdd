import Glibc
import Kernels

/// How long the layers of a network take, from the speeds of the kernels that `KernelBenchmark` measured: of each kind the
/// one whose shape is nearest.
struct KernelRates {
    private let rows: [KernelBenchmark.Row]
    /// Bytes a second between the cores and the memory.
    let memoryBytesPerSecond: Double
    /// The images that were computed at a time, over which the reading of weights is spread.
    private let batch: Int

    /// Throws `LaunchForecastError` if a kernel is missing that a network of these operations needs.
    init(
        _ measured: KernelBenchmark.Measurement, batch: Int, for operations: [CycleArithmetic.Operation]
    ) throws(LaunchForecastError) {
        (rows, self.batch) = (measured.kernels, batch)
        memoryBytesPerSecond = (measured.peak.memory_gigabytes_per_second ?? 0) * 1e9
        var needed = [
            "convolution forward", "convolution backward data", "convolution backward weights", "packing forward",
            "packing backward", "norm, modulation, SiLU forward", "norm, modulation, SiLU backward", "matrix product",
            "add", "AdamW",
        ]
        // The only kernel that some networks have no shape of.
        if operations.contains(where: { !$0.hasWeights }) {
            needed += ["self-attention forward", "self-attention backward"]
        }
        let missing = needed.filter { name in !rows.contains { $0.kernel == name && $0.rate > 0 } }
        guard missing.isEmpty, memoryBytesPerSecond > 0 else {
            throw .incompleteRates(missing: missing.isEmpty ? ["the memory's peak"] : missing)
        }
    }

    /// The seconds of one image in one direction of a layer, the normalisation before it and the joining of its input
    /// included.
    func seconds(
        _ operation: CycleArithmetic.Operation, _ direction: CycleArithmetic.Direction, _ type: ElementType
    ) -> Double {
        let type = operation.part == .head ? .float32 : type
        let count = operation.count(direction)
        var seconds = 0.0
        switch operation.kind {
        case .convolution(let kernel, let inputs, let outputs, let side, _):
            let name =
                switch direction {
                case .forward: "convolution forward"
                case .imageGradient: "convolution backward data"
                case .weightGradient: "convolution backward weights"
                }
            seconds = count / rate(name, type, kernelSide: kernel, channels: inputs * outputs, side: side)
        case .attention(_, let side):
            let name = direction == .forward ? "self-attention forward" : "self-attention backward"
            seconds = count == 0 ? 0 : count / rate(name, type, side: side)
        case .linear(let inputs, let outputs):
            // A few rows against a matrix: bound by reading it.
            seconds = max(
                count / rate("matrix product", .float32),
                Double(4 * inputs * outputs) / memoryBytesPerSecond / Double(batch))
        }
        let side = operation.side
        let normalized = Double(operation.normalized * type.byteCount)
        let joined = Double(operation.joined * type.byteCount)
        switch direction {
        case .forward:
            seconds += 2 * normalized / rate("norm, modulation, SiLU forward", type, side: side)
            seconds += 2 * joined / rate("add", .float32)
        case .imageGradient:
            seconds += 3 * normalized / rate("norm, modulation, SiLU backward", type, side: side)
            seconds += 2 * joined / rate("add", .float32)
        case .weightGradient: break
        }
        return seconds
    }

    /// The seconds to pack a convolution's weights for one direction.
    func packingSeconds(_ operation: CycleArithmetic.Operation, forward: Bool, _ type: ElementType) -> Double {
        guard case .convolution(let kernel, let inputs, let outputs, let side, let stride) = operation.kind else {
            return 0
        }
        let type = operation.part == .head ? .float32 : type
        let shape = ConvolutionShape(
            samples: batch, height: side * stride, width: side * stride, inputChannels: inputs,
            outputChannels: outputs, kernel: kernel, stride: stride, padding: stride == 1 ? kernel / 2 : 0)
        let weights = 4 * inputs * outputs * kernel * kernel
        let bytes = Double(weights + Convolution.packedByteCount(shape, image: type))
        let name = forward ? "packing forward" : "packing backward"
        return bytes / rate(name, type, kernelSide: kernel, channels: inputs * outputs, side: side)
    }

    /// The seconds of one update of a network of so many weights: norm of the gradient, AdamW, and moving averages.
    func updateSeconds(weights: Int, averages: Int) -> Double {
        // Weights and moments read and written, the gradient read twice. The first average is read and written on the way,
        // each further one afterwards, beside the weights.
        Double(4 * weights * (8 + min(averages, 1) * 2 + max(averages - 1, 0) * 3)) / rate("AdamW", .float32)
    }

    /// Operations or bytes a second of the measured kernel nearest in shape, of this type where there is one.
    private func rate(
        _ kernel: String, _ type: ElementType, kernelSide: Int? = nil, channels: Int? = nil, side: Int? = nil
    ) -> Double {
        let named = rows.filter { $0.kernel == kernel && $0.rate > 0 }
        let typed = named.filter { $0.precision == type.rawValue }
        func distance(_ row: KernelBenchmark.Row) -> Double {
            let product = row.inputs.flatMap { inputs in row.outputs.map { inputs * $0 } }
            // Another kernel is another algorithm; another resolution changes more than other channels do.
            return 100 * Self.octaves(row.kernel_side, kernelSide) + 2 * Self.octaves(row.side, side)
                + Self.octaves(product, channels)
        }
        let nearest = (typed.isEmpty ? named : typed).min { distance($0) < distance($1) }
        guard let nearest else { preconditionFailure("KernelRates: no \(kernel)") }
        return nearest.rate * 1e9 * Self.countedByMultiplied(nearest)
    }

    /// The operations that `CycleArithmetic` counts of a measured convolution, which takes the zeros around an image for
    /// pixels, by those that the measurement counted, which are multiplied; 1 of all else.
    private static func countedByMultiplied(_ row: KernelBenchmark.Row) -> Double {
        guard row.unit == "GFLOP/s", let kernel = row.kernel_side, let side = row.side else { return 1 }
        let ratio = Double(kernel * side) / Double(KernelBenchmark.coveredPixels(kernel: kernel, side: side))
        return ratio * ratio
    }

    /// How many doublings lie between two sizes; 0 where one of them is unknown.
    private static func octaves(_ a: Int?, _ b: Int?) -> Double {
        guard let a, let b, a > 0, b > 0 else { return 0 }
        return abs(log2(Double(a) / Double(b)))
    }
}

extension CycleArithmetic.Operation {
    /// The side of its result; nil where it sees no image.
    fileprivate var side: Int? {
        switch kind {
        case .convolution(_, _, _, let side, _), .attention(_, let side): side
        case .linear: nil
        }
    }
}
