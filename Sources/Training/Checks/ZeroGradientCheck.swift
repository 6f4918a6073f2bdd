package import Diffusion
package import Distillation
import Evaluation
package import Layers
import Tensors

/// Whether distribution matching leaves a student alone whose critic is the teacher, as it must to the bit: the direction is
/// the difference of both denoised images, by one network with one set of weights on one input (algorithm of DMD, equation
/// 8). Anything else means that teacher and critic are not computed alike.
package enum ZeroGradientCheck {
    /// Images that are tried.
    static let images = 8

    /// The verdict for a critic and a teacher; the student draws with the teacher's weights. Guidance and GAN are left out.
    package static func finding(
        _ denoiser: Denoiser, _ configuration: DistillationConfiguration, teacher: NetworkWeights,
        critic: NetworkWeights, classes: Int, seed: UInt64, whose: String
    ) -> Finding {
        var settings = configuration
        (settings.matchingWeight, settings.ganWeight, settings.teacherGuidance) = (1, 0, 1)
        // A drawn call would be trained on real images, which this check does without.
        settings.studentInput = .backwardSimulation
        let step = DistillationStep(denoiser, settings)
        let shape = denoiser.shape(images)
        let draws = DistillationDraws(
            settings, imageShape: shape, classes: classes, seed: seed, step: 0, firstSample: 0,
            realImages: Tensor(repeating: 0, shape), realLabels: [Int](repeating: 0, count: images),
            updatesStudent: true)
        let result = step.studentGradient(
            draws, .init(teacher: teacher, student: teacher, critic: critic),
            gradient: Tensor(repeating: 0, Shape(teacher.layout.elementCount)))
        let name = "matching gradient"
        guard let matching = result.matching else { preconditionFailure("ZeroGradientCheck: no matching loss") }
        let isFinite = [matching.teacherDenoised, matching.criticDenoised].allSatisfy {
            $0.buffer.allSatisfy(\.isFinite)
        }
        guard isFinite else {
            return Finding(
                .failed, name, "\(whose): denoised images are not finite",
                advice: "the weights are damaged, or network.* is not what they were trained with")
        }
        let largest = matching.direction.buffer.reduce(0) { max($0, abs($1)) }
        let measured =
            "\(whose): largest entry \(NumberText.figure(Double(largest))) where the critic is the teacher (bound 0)"
        return largest == 0
            ? Finding(.ok, name, measured)
            : Finding(
                .failed, name, measured,
                advice: "this build or processor computes wrongly: build again, try another machine")
    }
}
