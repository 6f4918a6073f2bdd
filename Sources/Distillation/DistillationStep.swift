package import Diffusion
package import Layers
package import Tensors

/// The gradients of one DMD2 iteration on one shard (Yin et al. 2024, section 4). Knows neither ranks nor files.
///
/// A step is two calls: ``studentGradient(_:weights:gradient:)`` on steps that update the student, and
/// ``criticGradient(_:images:weights:gradient:)`` on every step, on images of the student as it was before its update.
package struct DistillationStep: Sendable {
    /// The weights of the three networks.
    package struct Networks {
        package let teacher: NetworkWeights
        package let student: NetworkWeights
        /// Denoiser and head.
        package let critic: NetworkWeights

        package init(teacher: NetworkWeights, student: NetworkWeights, critic: NetworkWeights) {
            (self.teacher, self.student, self.critic) = (teacher, student, critic)
        }
    }

    /// What a student update measured. Norms and means are of this shard.
    package struct StudentResult {
        /// The student's images `[N, H, W, C]`, for the critic's turn.
        package let images: Tensor
        package let matchingLoss: Float
        /// mean softplus(-logit) of the student's images, without its weight; nil without the GAN term.
        package let adversarialLoss: Float?
        /// The denoised images of teacher and critic, the direction g and dL/dx, each `[N, H, W, C]`.
        package let teacherDenoised: Tensor, criticDenoised: Tensor, direction: Tensor, imageGradient: Tensor
    }

    /// What a critic update measured.
    package struct CriticResult {
        /// The weighted denoising loss.
        package let denoisingLoss: Float
        /// softplus(logit of generated) + softplus(-logit of real), means, without their weight; nil without a head.
        package let adversarialLoss: Float?
        /// The mean logits of real and of generated images; their distance says how well the head tells them apart.
        package let realLogit: Float?, generatedLogit: Float?
    }

    package let critic: CriticNetwork
    private var schedule: NoiseSchedule { denoiser.schedule }
    private let sampler: OneStepSampler
    private let teacherGuidance: Float
    private let studentGANWeight: Float
    private let criticGANWeight: Float

    package var denoiser: Denoiser { critic.denoiser }

    /// The student's input is `studentSigma` times unit noise; `studentGANWeight` weighs the GAN term beside the matching
    /// loss, and `criticGANWeight` the head's loss beside the denoising loss. The student follows the teacher under
    /// guidance of scale `teacherGuidance`; the critic, which learns what the student draws for a label, has none.
    package init(
        _ critic: CriticNetwork, studentSigma: Float, teacherGuidance: Float = 1, studentGANWeight: Float,
        criticGANWeight: Float
    ) {
        self.critic = critic
        self.teacherGuidance = teacherGuidance
        sampler = OneStepSampler(denoiser: critic.denoiser, sigma: studentSigma)
        self.studentGANWeight = studentGANWeight
        self.criticGANWeight = criticGANWeight
    }

    /// Adds the gradient of L_DM + w L_GAN by the student's weights to `gradient`.
    ///
    /// Traps: if the draws are a critic-only step's.
    package func studentGradient(
        _ draws: DistillationDraws, _ networks: Networks, gradient: Tensor
    ) -> StudentResult {
        guard let matching = draws.matching else {
            preconditionFailure("studentGradient: the draws are of a critic-only step")
        }
        let tape = Tape()
        let images = sampler(
            draws.studentNoise, labels: draws.labels, .tracked(networks.student, on: tape, gradient: gradient))

        let sigma = schedule.sigmas(matching.indices)
        let noisy = noised(images.detached, sigma: sigma, noise: matching.noise)
        let teacher = denoiser.guided(
            noisy, sigma: sigma, labels: draws.labels, scale: teacherGuidance, .frozen(networks.teacher)
        ).value
        let criticDenoised = denoiser(noisy, sigma: sigma, labels: draws.labels, .frozen(networks.critic)).value
        let (loss, direction) = distributionMatchingLoss(images: images.value, teacher: teacher, critic: criticDenoised)
        var imageGradient = loss.gradient

        var adversarial: LossGradient?
        if let draw = draws.studentGAN {
            // The head judges a copy of the images on a tape of its own: the gradient at the image is a result too.
            let judged = Tape()
            let copy = judged.input(images.value)
            let sigma = schedule.sigmas(draw.indices)
            let logits = critic.logits(
                noised(copy, sigma: sigma, noise: draw.noise), sigma: sigma, labels: draws.labels,
                .frozen(networks.critic))
            let term = adversarialLoss(logits.value, .real, weight: studentGANWeight)
            judged.backward([(logits, term.gradient)])
            if let slope = copy.slot?.gradient { imageGradient = add(Variable(imageGradient), Variable(slope)).value }
            adversarial = term
        }
        tape.backward([(images, imageGradient)])
        return StudentResult(
            images: images.value, matchingLoss: loss.loss, adversarialLoss: adversarial?.loss,
            teacherDenoised: teacher, criticDenoised: criticDenoised, direction: direction,
            imageGradient: imageGradient)
    }

    /// The student's images on a critic-only step, without gradient.
    package func images(_ draws: DistillationDraws, _ networks: Networks) -> Tensor {
        sampler.sample(networks.student, noise: draws.studentNoise, labels: draws.labels)
    }

    /// Adds the gradient of L_denoising + w L_D by the critic's weights, head included, to `gradient`.
    package func criticGradient(
        _ draws: DistillationDraws, images: Tensor, _ networks: Networks, gradient: Tensor
    ) -> CriticResult {
        let tape = Tape()
        let weights = BoundWeights.tracked(networks.critic, on: tape, gradient: gradient)
        let sigma = schedule.sigmas(draws.critic.indices)
        let denoised = denoiser(
            noised(Variable(images), sigma: sigma, noise: draws.critic.noise), sigma: sigma, labels: draws.labels,
            weights)
        let loss = weightedSquaredError(
            denoised.value, images, weights: criticLossWeights(sigma: sigma, denoiser.preconditioning))
        // Each term goes back before the next one starts, so that only one pass is in memory.
        tape.backward([(denoised, loss.gradient)])
        guard let real = draws.realGAN, let fake = draws.fakeGAN else {
            return CriticResult(
                denoisingLoss: loss.loss, adversarialLoss: nil, realLogit: nil, generatedLogit: nil)
        }
        func judge(
            _ images: Tensor, _ labels: [Int], _ draw: NoiseDraw, _ target: AdversarialTarget
        ) -> (loss: Float, meanLogit: Float) {
            let sigma = schedule.sigmas(draw.indices)
            let noisy = noised(Variable(images), sigma: sigma, noise: draw.noise)
            let logits = critic.logits(noisy, sigma: sigma, labels: labels, weights)
            let loss = adversarialLoss(logits.value, target, weight: criticGANWeight)
            tape.backward([(logits, loss.gradient)])
            return (loss.loss, mean(logits.value))
        }
        let onReal = judge(draws.realImages, draws.realLabels, real, .real)
        let onGenerated = judge(images, draws.labels, fake, .generated)
        return CriticResult(
            denoisingLoss: loss.loss, adversarialLoss: onReal.loss + onGenerated.loss, realLogit: onReal.meanLogit,
            generatedLogit: onGenerated.meanLogit)
    }

    private func mean(_ x: Tensor) -> Float { x.buffer.reduce(0, +) / Float(x.count) }
}
