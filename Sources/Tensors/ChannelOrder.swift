import Kernels

/// How the first axis of a weight, its output channels, becomes the channels of a result.
package enum ChannelOrder: Sendable, Equatable {
    case unchanged
    /// Channels that alternate between `count` kinds (q, k, v, q, k, v, ...) come out kind after kind, so that each kind
    /// is one contiguous run per pixel.
    case separated(kinds: Int)

    /// The weight, or bias, with its rows in the result's order.
    func applied(to weight: Tensor) -> Tensor {
        guard case .separated = self else { return weight }
        let result = Tensor(uninitialized: weight.shape)
        let size = weight.shape.countPerSample
        forRows(weight.shape[0]) { row, source in
            (result.pointer + row * size).update(from: weight.pointer + source * size, count: size)
        }
        return result
    }

    /// Adds a gradient in the result's order to one in the weight's.
    func addReversed(_ gradient: Tensor, to sum: UnsafeMutablePointer<Float>) {
        let size = gradient.shape.countPerSample
        forRows(gradient.shape[0]) { row, source in
            let target = sum + source * size
            Elementwise.add(target, gradient.pointer + row * size, into: target, count: size)
        }
    }

    /// Calls `body` with each row of the result and the weight's row that it is.
    private func forRows(_ count: Int, _ body: (Int, Int) -> Void) {
        guard case .separated(let kinds) = self else { return (0..<count).forEach { body($0, $0) } }
        precondition(count.isMultiple(of: kinds), "ChannelOrder: \(count) channels of \(kinds) kinds")
        let perKind = count / kinds
        for row in 0..<count { body(row, row % perKind * kinds + row / perKind) }
    }
}
