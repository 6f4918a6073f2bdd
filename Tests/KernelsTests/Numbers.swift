import Glibc
import Kernels

/// Reproducible numbers in -1...1: a linear congruential generator (Knuth's MMIX constants), its upper bits.
func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int64(bitPattern: state) >> 40) * 0x1p-23
    }
}

/// The largest difference, as a share of the largest expected magnitude (or of 1, where that is larger).
func largestError(_ actual: [Float], _ expected: [Double]) -> Double {
    precondition(actual.count == expected.count, "\(actual.count) numbers for \(expected.count) expected ones")
    let scale = expected.reduce(1) { max($0, abs($1)) }
    return zip(actual, expected).reduce(0) { $1.0.isNaN ? .infinity : max($0, abs(Double($1.0) - $1.1)) } / scale
}

/// The distance of `actual` from `expected` in units of the last place of a float.
func ulps(_ actual: Float, _ expected: Double) -> Double {
    abs(Double(actual) - expected) / Double(Float(expected).ulp)
}

/// x / (1 + e^-x) and its derivative, in double precision.
func plainSilu(_ x: Double) -> (value: Double, derivative: Double) {
    let s = 1 / (1 + exp(-x))
    return (x * s, s * (1 + x * (1 - s)))
}

/// An array of either type in memory of its own, for kernels that take activations.
///
/// The memory, a few kilobytes, is kept to the end of the process: a pointer to it is valid whatever becomes of the value.
struct Activations {
    let pointer: ActivationPointer
    private let count: Int

    init(_ values: [Float], as type: ElementType = .float32) {
        count = values.count
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, 4 * count), alignment: 64)
        pointer = ActivationPointer(memory, type)
        values.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            Elementwise.convert(
                ActivationPointer(UnsafeMutableRawPointer(mutating: source), .float32), into: pointer, count: count)
        }
    }

    /// `count` elements that are not a number.
    init(unwritten count: Int, as type: ElementType = .float32) {
        self.init([Float](repeating: .nan, count: count), as: type)
    }

    var values: [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = count
            guard let target = buffer.baseAddress else { return }
            Elementwise.convert(pointer, into: ActivationPointer(target), count: count)
        }
    }
}
