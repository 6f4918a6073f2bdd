/// The order in which a run visits a data set: a keyed permutation for every epoch.
///
/// A pure function of (seed, global index). There is no state, no rank and no batch in it, so a run that resumes, or
/// goes on with another number of ranks, needs one integer to visit exactly the samples that it would have visited.
/// Each epoch visits every sample once.
package struct SampleOrder: Sendable, Equatable {
    /// The number of samples in the data set.
    package let count: Int
    private let seed: UInt64

    /// Makes the order of a data set of `count` samples, at least one.
    package init(seed: UInt64, count: Int) {
        precondition(count > 0, "sample order: \(count) samples")
        self.seed = seed
        self.count = count
    }

    /// Returns the epoch, from 0, and the sample that is the run's `globalIndex`-th, from 0.
    package func sample(at globalIndex: Int) -> (epoch: Int, index: Int) {
        precondition(globalIndex >= 0, "sample order: index \(globalIndex)")
        let epoch = globalIndex / count
        let permutation = KeyedPermutation(key: mixed(seed &+ mixed(UInt64(epoch))), count: count)
        return (epoch, permutation[globalIndex % count])
    }
}

/// A permutation of `0..<count` that is computed one element at a time.
///
/// A balanced Feistel network permutes the numbers of an even number of bits (Luby and Rackoff, 1988). Where that is
/// more numbers than `count`, a result outside is put in again until it falls inside: cycle walking (Black and
/// Rogaway, 2002), four passes on average at worst.
struct KeyedPermutation {
    private let key: UInt64
    private let count: Int
    private let halfBitCount: Int

    /// Four rounds make the network pseudorandom when halves are wide; narrow halves need more.
    private static let roundCount: UInt64 = 8

    init(key: UInt64, count: Int) {
        precondition(count > 0, "permutation of \(count) numbers")
        self.key = key
        self.count = count
        let bitCount = Int.bitWidth - (count - 1).leadingZeroBitCount
        halfBitCount = max(1, (bitCount + 1) / 2)
    }

    subscript(position: Int) -> Int {
        precondition((0..<count).contains(position), "permutation: position \(position) of \(count)")
        var value = network(UInt64(position))
        while value >= UInt64(count) { value = network(value) }
        return Int(value)
    }

    private func network(_ value: UInt64) -> UInt64 {
        let mask = UInt64(1) << UInt64(halfBitCount) - 1
        var left = value >> UInt64(halfBitCount)
        var right = value & mask
        for round in 0..<Self.roundCount {
            (left, right) = (right, left ^ (mixed(key ^ mixed(right << 8 | round)) & mask))
        }
        return left << UInt64(halfBitCount) | right
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014): a bijection that scatters neighbouring numbers.
private func mixed(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
}
