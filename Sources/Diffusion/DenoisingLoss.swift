package import Tensors

/// A loss and its derivative by what it was computed from.
package struct LossGradient {
    package let loss: Float
    package let gradient: Tensor

    package init(loss: Float, gradient: Tensor) { (self.loss, self.gradient) = (loss, gradient) }
}

/// mean over all elements of w[n] (denoised - clean)², and its derivative by `denoised`.
///
/// Shapes: `denoised`, `clean` `[N, H, W, C]`, `weights` `[N]`.
package func weightedSquaredError(_ denoised: Tensor, _ clean: Tensor, weights: [Float]) -> LossGradient {
    precondition(denoised.shape == clean.shape, "weightedSquaredError: \(denoised.shape) and \(clean.shape)")
    let gradient = Tensor(uninitialized: denoised.shape)
    let count = denoised.shape.countPerSample
    let total = Double(denoised.count)
    var loss = 0.0
    for (n, weight) in weights.enumerated() {
        let factor = Float(2 * Double(weight) / total)
        var squares = 0.0
        for index in n * count..<(n + 1) * count {
            let difference = denoised.pointer[index] - clean.pointer[index]
            gradient.pointer[index] = factor * difference
            squares += Double(difference) * Double(difference)
        }
        loss += Double(weight) * squares
    }
    return LossGradient(loss: Float(loss / total), gradient: gradient)
}
