package import Diffusion
package import Tensors

/// What the teacher makes of noise: the targets of DMD's regression loss (arXiv 2311.18828, section 3.3).
package struct NoiseImagePairs {
    /// Unit noise and the images `[N, H, W, C]`, and the labels of both.
    package let noise: Tensor, images: Tensor
    package let labels: [Int]

    package init(noise: Tensor, images: Tensor, labels: [Int]) {
        (self.noise, self.images, self.labels) = (noise, images, labels)
    }
}

/// How far the student's images are from the teacher's, and the derivative by the student's. Shapes: `[N, H, W, C]`.
package typealias ImageDistance = (_ images: Tensor, _ targets: Tensor) -> LossGradient

/// mean over all elements of (x - y)².
package func meanSquaredDistance(_ images: Tensor, _ targets: Tensor) -> LossGradient {
    weightedSquaredError(images, targets, weights: [Float](repeating: 1, count: images.shape[0]))
}

/// mean over images and features of (f(x) - f(y))², the gradient taken through f, whose own weights stay as they are.
///
/// Shapes: the features of N images `[N, ...]`.
package func featureDistance(
    _ images: Tensor, _ targets: Tensor, features: (Variable) -> Variable
) -> LossGradient {
    let tape = Tape()
    let copy = tape.input(images)
    let wanted = features(Variable(targets)).value
    let found = features(copy)
    let loss = meanSquaredDistance(found.value, wanted)
    tape.backward([(found, loss.gradient)])
    guard let slope = copy.slot?.gradient else { preconditionFailure("featureDistance: no gradient at the images") }
    return LossGradient(loss: loss.loss, gradient: slope)
}
