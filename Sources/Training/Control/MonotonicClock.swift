import Glibc

/// Seconds since an arbitrary moment; never jumps.
package func monotonicSeconds() -> Double {
    var time = timespec()
    // CLOCK_MONOTONIC exists on every Linux, so the call cannot fail.
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
