import Glibc
import Kernels
import Tensors

/// What the machine can do at most, measured in the process whose speed is compared with it.
package struct MachinePeak: Codable, Sendable {
    /// Billions of float32 operations a second of all threads, from registers.
    package let float32_gflops: Double
    /// The same in bfloat16; nil where the processor has no instructions for it.
    package let bfloat16_gflops: Double?
    /// Where the bfloat16 figure comes from.
    package let bfloat16_source: String
    /// Billions of bytes a second of all threads, arrays far larger than the caches; nil if it was not measured.
    package let memory_gigabytes_per_second: Double?

    /// Measures the peaks with the pool's threads; the memory's too where the size of its three arrays is given.
    package static func measure(triadMebibytes: Int? = nil) -> MachinePeak {
        let float32 = ArithmeticPeak.float32() / 1e9
        let hasDot = Processor.hasBFloat16
        return MachinePeak(
            float32_gflops: float32, bfloat16_gflops: hasDot ? 2 * float32 : nil,
            bfloat16_source: hasDot
                ? "twice float32: AVX512-BF16 has half the operands' width" : "this processor has no AVX512-BF16",
            memory_gigabytes_per_second: triadMebibytes.map { triad(count: $0 << 18) / 1e9 })
    }

    /// The better of this measurement and another, figure by figure: whatever else ran made one of them lower.
    package func merged(with other: MachinePeak) -> MachinePeak {
        MachinePeak(
            float32_gflops: max(float32_gflops, other.float32_gflops),
            bfloat16_gflops: [bfloat16_gflops, other.bfloat16_gflops].compactMap(\.self).max(),
            bfloat16_source: bfloat16_source,
            memory_gigabytes_per_second: [memory_gigabytes_per_second, other.memory_gigabytes_per_second]
                .compactMap(\.self).max())
    }

    /// Bytes a second of z = x + s y: two arrays read and one written. That the written lines are read first is not
    /// counted.
    private static func triad(count: Int) -> Double {
        let x = Tensor(repeating: 1, Shape(count))
        let y = Tensor(repeating: 2, Shape(count))
        let z = Tensor(repeating: 0, Shape(count))
        var best = 0.0
        for _ in 0..<4 {
            let start = monotonicSeconds()
            Elementwise.blendSamples(
                x.pointer, [1], y.pointer, [0.5], into: z.pointer, samples: 1, count: count)
            best = max(best, Double(3 * 4 * count) / (monotonicSeconds() - start))
        }
        return best
    }
}
