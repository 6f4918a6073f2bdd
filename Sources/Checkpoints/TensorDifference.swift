/// How one tensor differs between two collections.
package struct TensorDifference: Sendable, Equatable {
    /// What was found.
    package enum Finding: Sendable, Equatable {
        /// Every bit is the same.
        case same
        /// The largest |a - b|, and that by the largest |a| or |b| of the tensor; not a number where a value is none.
        case values(maxAbsolute: Float, maxRelative: Float)
        /// The shapes differ.
        case shapes([Int], [Int])
        /// Only the first collection has it.
        case onlyInFirst
        /// Only the second has it.
        case onlyInSecond
    }

    /// The tensor.
    package let name: String
    /// What was found.
    package let finding: Finding

    /// Compares all tensors of two collections, in alphabetical order.
    package static func all(
        between first: TensorCollection, and second: TensorCollection
    ) throws(CheckpointError) -> [TensorDifference] {
        var differences: [TensorDifference] = []
        for name in Set(first.shapes.keys).union(second.shapes.keys).sorted() {
            let finding: Finding
            switch (first.shapes[name], second.shapes[name]) {
            case (let a?, let b?) where a == b:
                finding = compare(try first.values(name), try second.values(name))
            case (let a?, let b?): finding = .shapes(a, b)
            case (_?, nil): finding = .onlyInFirst
            default: finding = .onlyInSecond
            }
            differences.append(TensorDifference(name: name, finding: finding))
        }
        return differences
    }

    /// Compares the values of two tensors of one shape.
    static func compare(_ a: [Float], _ b: [Float]) -> Finding {
        precondition(a.count == b.count, "compare: \(a.count) values with \(b.count)")
        var isSame = true
        var (absolute, scale): (Float, Float) = (0, 0)
        for (x, y) in zip(a, b) {
            if x.bitPattern != y.bitPattern { isSame = false }
            // A maximum that a NaN has entered stays one.
            let distance = x.bitPattern == y.bitPattern ? 0 : abs(x - y)
            absolute = distance.isNaN || absolute.isNaN ? .nan : max(absolute, distance)
            scale = max(scale, max(abs(x), abs(y)))
        }
        if isSame { return .same }
        // Only zeros of different signs have no scale.
        return .values(maxAbsolute: absolute, maxRelative: scale == 0 ? 0 : absolute / scale)
    }
}
