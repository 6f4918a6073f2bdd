/// The extents of a tensor, at most four, first index slowest. Images are `[N, H, W, C]`, features `[N, K]`.
package struct Shape: Hashable, Sendable, CustomStringConvertible {
    private let extents: SIMD4<Int>
    /// The number of extents.
    package let rank: Int

    /// Traps: with more than four extents, or a negative one.
    package init(_ extents: Int...) {
        self.init(extents)
    }

    /// Traps: with more than four extents, or a negative one.
    package init(_ list: [Int]) {
        precondition(list.count <= 4, "Shape: rank \(list.count) is above 4")
        var extents = SIMD4<Int>(repeating: 1)
        for (axis, extent) in list.enumerated() {
            precondition(extent >= 0, "Shape: extent \(extent) of axis \(axis) is negative")
            extents[axis] = extent
        }
        self.extents = extents
        rank = list.count
    }

    /// The extent of an axis.
    package subscript(axis: Int) -> Int {
        precondition(axis < rank, "Shape: axis \(axis) of rank \(rank)")
        return extents[axis]
    }

    /// The number of elements.
    package var count: Int { extents[0] * extents[1] * extents[2] * extents[3] }

    /// The elements of one sample: all but the first axis.
    package var countPerSample: Int { extents[1] * extents[2] * extents[3] }

    /// The extents as a list.
    package var list: [Int] { (0..<rank).map { extents[$0] } }

    package var description: String { "[" + list.map(String.init).joined(separator: ", ") + "]" }
}
