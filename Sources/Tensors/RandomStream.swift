import Kernels

/// What random numbers are for. Each purpose is a stream of its own, so adding one never shifts another.
package enum RandomPurpose: UInt32, Sendable, CaseIterable {
    case initialWeights = 1, dataOrder
    case teacherSigma = 4, teacherNoise
    case studentNoise, studentLabel
    case matchingIndex, matchingNoise
    case studentGANIndex, studentGANNoise
    case criticIndex, criticNoise
    case realGANIndex, realGANNoise
    case fakeGANIndex, fakeGANNoise
    case evaluationNoise, gridNoise, classifierShift
    case exportExample
    case teacherLabelDropout
    case studentCall, rolloutNoise
    case pairNoise, pairIndex
    case mixtureComponent, mixturePosition
    case checkNoise
}

/// Random numbers as a function: of the run's seed, a purpose, a step, a global sample index and a draw. Nothing is
/// remembered, and no rank, thread or world size occurs, so any machine can make any sample's draws at any time.
///
/// Formula: Philox 4x32 with 10 rounds (Salmon et al. 2011). Normal numbers by Box and Muller 1958, on our own log and
/// sine, so that all machines agree to the last bit.
package struct RandomStream: Sendable {
    private let key: SIMD2<UInt32>

    /// `draw` numbers the streams of one purpose, where a sample needs several tensors at one step.
    package init(seed: UInt64, purpose: RandomPurpose, draw: Int = 0) {
        // SplitMix64's finaliser spreads (seed, purpose, draw) over the 64 bits of the key.
        let place = UInt64(purpose.rawValue) | UInt64(draw) << 32
        var h = seed &+ place &* 0x9E37_79B9_7F4A_7C15
        h = (h ^ (h >> 30)) &* 0xBF58_476D_1CE4_E5B9
        h = (h ^ (h >> 27)) &* 0x94D0_49BB_1331_11EB
        h ^= h >> 31
        key = SIMD2(UInt32(truncatingIfNeeded: h), UInt32(truncatingIfNeeded: h >> 32))
    }

    /// Four words for a counter of 128 bits.
    package func words(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> { Self.philox(counter, key: key) }

    /// Philox 4x32 with 10 rounds.
    package static func philox(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var x = counter
        var (k0, k1) = (key.x, key.y)
        for _ in 0..<10 {
            let a = UInt64(x.x) &* 0xD251_1F53
            let b = UInt64(x.z) &* 0xCD9E_8D57
            x = SIMD4(
                UInt32(truncatingIfNeeded: b >> 32) ^ x.y ^ k0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ x.w ^ k1, UInt32(truncatingIfNeeded: a))
            k0 = k0 &+ 0x9E37_79B9
            k1 = k1 &+ 0xBB67_AE85
        }
        return x
    }

    private func counter(step: Int, sample: Int, block: Int) -> SIMD4<UInt32> {
        SIMD4(
            UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: sample),
            UInt32(truncatingIfNeeded: step),
            UInt32(truncatingIfNeeded: (step >> 32) << 16 ^ (sample >> 32)))
    }

    /// A number uniform in `0..<1`, in steps of 2^-24.
    package func uniform(step: Int, sample: Int) -> Float {
        Float(words(counter(step: step, sample: sample, block: 0)).x >> 8) * 0x1p-24
    }

    /// An integer uniform in `range`; its bias, below range / 2^64, cannot be seen.
    ///
    /// Traps: if the range is empty.
    package func integer(in range: ClosedRange<Int>, step: Int, sample: Int) -> Int {
        let w = words(counter(step: step, sample: sample, block: 0))
        let word = UInt64(w.x) << 32 | UInt64(w.y)
        return range.lowerBound + Int(word.multipliedFullWidth(by: UInt64(range.count)).high)
    }

    /// Fills `result` with standard normal numbers for one sample.
    package func normal(into result: UnsafeMutableBufferPointer<Float>, step: Int, sample: Int) {
        var u = Lanes.zero
        var turns = Lanes.zero
        var block = 0
        var index = 0
        while index < result.count {
            // Eight blocks give sixteen pairs, and with them thirty-two numbers.
            for part in 0..<8 {
                let w = words(counter(step: step, sample: sample, block: block + part))
                u[2 * part] = (Float(w.x >> 9) + 0.5) * 0x1p-23
                u[2 * part + 1] = (Float(w.y >> 9) + 0.5) * 0x1p-23
                turns[2 * part] = Float(w.z >> 8) * 0x1p-24
                turns[2 * part + 1] = Float(w.w >> 8) * 0x1p-24
            }
            block += 8
            let radius = (VectorMath.log(u) * -2).squareRoot()
            let (sin, cos) = VectorMath.sinCosOfTurns(turns)
            for values in [radius * cos, radius * sin] {
                for lane in 0..<min(16, max(0, result.count - index)) { result[index + lane] = values[lane] }
                index += 16
            }
        }
    }

    /// Standard normal numbers `shape`, whose first axis counts samples from `firstSample` on.
    package func normal(_ shape: Shape, step: Int, firstSample: Int) -> Tensor {
        let tensor = Tensor(uninitialized: shape)
        let count = shape.countPerSample
        for n in 0..<shape[0] {
            normal(
                into: UnsafeMutableBufferPointer(rebasing: tensor.buffer[n * count..<(n + 1) * count]), step: step,
                sample: firstSample + n)
        }
        return tensor
    }
}
