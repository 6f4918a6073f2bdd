import CVector
import Glibc

/// The most multiply-adds that the pool's threads can do when nothing but registers is involved.
package enum ArithmeticPeak {
    /// Float32 operations a second of all threads together, a multiply-add counted as two; the best of `rounds` short
    /// runs.
    ///
    /// A fused multiply-add takes four or five cycles and two start in each, so about ten vectors must be under way:
    /// twelve of sixteen floats where those fill one register, six where they fill two. The better of both counts.
    package static func float32(rounds: Int = 4) -> Double {
        var best = 0.0
        for _ in 0..<rounds {
            best = max(best, rate(vectors: 12, chainOfTwelve), rate(vectors: 6, chainOfSix))
        }
        return best
    }

    private static let iterations = 20_000_000

    private static func rate(vectors: Int, _ chain: (Int, Lanes, Lanes) -> Lanes) -> Double {
        let threads = ThreadPool.threadCount
        return withUnsafeTemporaryAllocation(of: Lanes.self, capacity: threads) { results in
            results.initialize(repeating: .zero)
            let start = seconds()
            // Converges to factor / (1 - summand) and stays normal: no operand is slower than another.
            ThreadPool.forEach(threads) { thread in
                results[thread] = chain(iterations, Lanes(repeating: 0.999), Lanes(repeating: 1e-3))
            }
            let elapsed = seconds() - start
            precondition(results.allSatisfy { $0[0].isFinite }, "ArithmeticPeak: a chain diverged")
            return Double(threads * iterations * vectors * 2 * Lanes.scalarCount) / elapsed
        }
    }

    @inline(never)
    private static func chainOfTwelve(_ count: Int, factor: Lanes, summand: Lanes) -> Lanes {
        var (a, b, c, d, e, f) = start(1)
        var (g, h, i, j, k, l) = start(7)
        for _ in 0..<count {
            a = shim_fused_multiply_add(a, factor, summand)
            b = shim_fused_multiply_add(b, factor, summand)
            c = shim_fused_multiply_add(c, factor, summand)
            d = shim_fused_multiply_add(d, factor, summand)
            e = shim_fused_multiply_add(e, factor, summand)
            f = shim_fused_multiply_add(f, factor, summand)
            g = shim_fused_multiply_add(g, factor, summand)
            h = shim_fused_multiply_add(h, factor, summand)
            i = shim_fused_multiply_add(i, factor, summand)
            j = shim_fused_multiply_add(j, factor, summand)
            k = shim_fused_multiply_add(k, factor, summand)
            l = shim_fused_multiply_add(l, factor, summand)
        }
        return ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l))
    }

    @inline(never)
    private static func chainOfSix(_ count: Int, factor: Lanes, summand: Lanes) -> Lanes {
        var (a, b, c, d, e, f) = start(1)
        for _ in 0..<count {
            a = shim_fused_multiply_add(a, factor, summand)
            b = shim_fused_multiply_add(b, factor, summand)
            c = shim_fused_multiply_add(c, factor, summand)
            d = shim_fused_multiply_add(d, factor, summand)
            e = shim_fused_multiply_add(e, factor, summand)
            f = shim_fused_multiply_add(f, factor, summand)
        }
        return ((a + b) + (c + d)) + (e + f)
    }

    /// Six different vectors: equal ones would be computed once.
    private static func start(_ first: Float) -> (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes) {
        func lanes(_ offset: Float) -> Lanes { Lanes(repeating: first + offset) }
        return (lanes(0), lanes(1), lanes(2), lanes(3), lanes(4), lanes(5))
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
