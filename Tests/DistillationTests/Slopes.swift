import Diffusion
import Distillation
import Glibc
import Layers
import Tensors
import Testing

extension TinyNetworks {
    /// L_DM + w L_GAN for some student on a fixed input, with the target of the matching loss held fixed too.
    func studentLoss(input: Tensor, target: [Double], _ student: NetworkWeights) -> Double {
        let images = step.sampler(input, call: draws.student.call, labels: draws.labels, .frozen(student)).value
        let matching =
            zip(images.elements, target).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
            / Double(2 * target.count)
        guard let draw = draws.studentGAN else { return matching }
        let sigma = KarrasSchedule().sigmas(draw.indices)
        let logits = step.critic.logits(
            noised(Variable(images), sigma: sigma, noise: draw.noise), sigma: sigma, labels: draws.labels,
            .frozen(networks.critic))
        let adversarial = logits.value.elements.reduce(0) { $0 + log1p(exp(-Double($1))) } / Double(logits.value.count)
        return matching + Double(Self.studentGANWeight) * adversarial
    }
}

/// Moves one weight tensor at a time along its gradient and compares the loss's slope with the gradient's length.
///
/// Along the gradient the signal is largest. A loss of float32 networks is known to about 1e-7, and each step is
/// chosen to change it by 1e-4 to first order, so the quotient is right to 1e-3; longer steps run into curvature.
/// Tolerance 0.5%, four times the worst seen.
func checkSlopes(
    of weights: NetworkWeights, _ gradient: Tensor, names: [String], loss: (NetworkWeights) -> Double
) {
    for name in names {
        guard let slope = relativeSlope(of: weights, gradient, name, loss: loss) else {
            Issue.record("no weight \(name), or no gradient at it")
            continue
        }
        #expect(abs(slope - 1) <= 0.005, "\(name): slope \(slope) of the gradient's length")
    }
}

/// The loss's slope along the gradient of one weight tensor, in units of the gradient's length: 1 if they agree.
func relativeSlope(
    of weights: NetworkWeights, _ gradient: Tensor, _ name: String, loss: (NetworkWeights) -> Double
) -> Double? {
    guard let entry = weights.layout.entries.first(where: { $0.name == name }) else { return nil }
    let slope = gradient.elements[entry.offset..<entry.offset + entry.count]
    let length = slope.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard length > 0 else { return nil }
    let distance = 1e-4 / length
    func lossMoved(by distance: Double) -> Double {
        let moved = weights.copied()
        moved.update { values in
            for index in slope.indices {
                values.pointer[index] += Float(distance * Double(slope[index]) / length)
            }
        }
        return loss(moved)
    }
    return (lossMoved(by: distance) - lossMoved(by: -distance)) / (2 * distance * length)
}
