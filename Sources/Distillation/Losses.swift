package import Diffusion
import Glibc
package import Tensors

/// The distribution-matching loss and its gradient at the student's images (Yin et al. 2024, equation 3; weight of
/// DMD, arXiv 2311.18828, equation 8).
///
/// Formula: g = (critic - teacher) / w, w the mean of |x - teacher| over each image; what is not finite becomes 0.
/// L = ½ mean (g²), the value of ½ mean (x - stopgrad(x - g))², with dL/dx = g / (number of elements).
/// The loss returned is without the weight; the gradient is with it.
/// Shapes: all `[N, H, W, C]`: the student's images and both denoised versions of their noised copies.
package func distributionMatchingLoss(
    images: Tensor, teacher: Tensor, critic: Tensor, weight lossWeight: Float = 1
) -> (loss: LossGradient, direction: Tensor) {
    precondition(
        images.shape == teacher.shape && images.shape == critic.shape,
        "distributionMatchingLoss: \(images.shape), \(teacher.shape), \(critic.shape)")
    let direction = Tensor(uninitialized: images.shape)
    let gradient = Tensor(uninitialized: images.shape)
    let count = images.shape.countPerSample
    let total = Float(images.count)
    var loss = 0.0
    for n in 0..<images.shape[0] {
        let range = n * count..<(n + 1) * count
        var distance = 0.0
        for index in range { distance += Double(abs(images.pointer[index] - teacher.pointer[index])) }
        let weight = Float(distance / Double(count))
        for index in range {
            let quotient = (critic.pointer[index] - teacher.pointer[index]) / weight
            let g = quotient.isFinite ? quotient : 0
            direction.pointer[index] = g
            gradient.pointer[index] = lossWeight * (g / total)
            loss += Double(g) * Double(g)
        }
    }
    return (LossGradient(loss: Float(loss / (2 * Double(total))), gradient: gradient), direction)
}

/// The critic's loss weight of each noise level, on the denoised image: 1/s² + 1/d² under EDM's preconditioning, else what
/// makes it the plain squared error of the network's own output, such as epsilon.
package func criticLossWeights(sigma: [Float], _ preconditioning: Preconditioning) -> [Float] {
    switch preconditioning.prediction {
    case .edm:
        // The teacher's weight in the form DMD2 has it, which rounds differently.
        let dataVariance = preconditioning.sigmaData * preconditioning.sigmaData
        return sigma.map { 1 / ($0 * $0) + 1 / dataVariance }
    case .epsilon, .v, .flow: return sigma.map(preconditioning.lossWeight)
    }
}

/// Which side of the discriminator a batch is on.
package enum AdversarialTarget: Sendable {
    /// softplus(-logit): the batch should be taken for real.
    case real
    /// softplus(logit): the batch should be taken for generated.
    case generated
}

/// mean softplus(∓logit) times `weight`, and its derivative. Shapes: logits `[N, heads]`.
///
/// Formula: softplus(a) = max(a, 0) + ln(1 + e^-|a|), d softplus / da = 1 / (1 + e^-a).
/// The loss returned is without the weight; the gradient is with it.
package func adversarialLoss(_ logits: Tensor, _ target: AdversarialTarget, weight: Float) -> LossGradient {
    let sign: Double = target == .real ? -1 : 1
    let gradient = Tensor(uninitialized: logits.shape)
    let count = Double(logits.count)
    var loss = 0.0
    for index in 0..<logits.count {
        let a = sign * Double(logits.pointer[index])
        loss += max(a, 0) + log1p(exp(-abs(a)))
        gradient.pointer[index] = Float(sign * Double(weight) / (1 + exp(-a)) / count)
    }
    return LossGradient(loss: Float(loss / count), gradient: gradient)
}
