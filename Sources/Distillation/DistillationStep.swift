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
        /// What distribution matching compared, each `[N, H, W, C]`.
        package struct Matching {
            /// Without its weight.
            package let loss: Float
            /// The denoised images of teacher and critic, and the direction g.
            package let teacherDenoised: Tensor, criticDenoised: Tensor, direction: Tensor
        }

        /// The student's images `[N, H, W, C]`, for the critic's turn.
        package let images: Tensor
        /// Nil without distribution matching.
        package let matching: Matching?
        /// mean softplus(-logit) of the student's images, without its weight; nil without the GAN term.
        package let adversarialLoss: Float?
        /// dL/dx at the images.
        package let imageGradient: Tensor
        /// What it shows of the training's health.
        package let observation: StudentObservation
    }

    /// What a critic update measured.
    package struct CriticResult {
        /// The weighted denoising loss; nil where the critic denoises nothing.
        package let denoisingLoss: Float?
        /// softplus(logit of generated) + softplus(-logit of real), means, without their weight; nil without a head.
        package let adversarialLoss: Float?
        /// The mean logits of real and of generated images; their distance says how well the head tells them apart.
        package let realLogit: Float?, generatedLogit: Float?
    }

    package let critic: CriticNetwork
    private var schedule: NoiseSchedule { denoiser.schedule }
    /// How the student samples.
    package let sampler: StudentSampler
    private let teacherGuidance: Float
    private let matchingWeight: Float
    private let studentGANWeight: Float
    private let criticGANWeight: Float

    /// The denoiser of student and critic, and the one of the teacher.
    package var denoiser: Denoiser { critic.denoiser }
    private let teacher: Denoiser

    /// `studentSigmas` are the noise levels of the student's calls, descending; `matchingWeight` and `studentGANWeight`
    /// weigh the student's two losses, and `criticGANWeight` the head's loss beside the denoising loss. The student follows
    /// the teacher under guidance of scale `teacherGuidance`; the critic, which learns what the student draws for a label,
    /// has none. `teacher` is the teacher's denoiser where it is another than the critic's: a closed form.
    package init(
        _ critic: CriticNetwork, teacher: Denoiser? = nil, studentSigmas: [Float], teacherGuidance: Float = 1,
        matchingWeight: Float = 1, studentGANWeight: Float, criticGANWeight: Float
    ) {
        self.critic = critic
        self.teacher = teacher ?? critic.denoiser
        self.teacherGuidance = teacherGuidance
        self.matchingWeight = matchingWeight
        sampler = StudentSampler(denoiser: critic.denoiser, sigmas: studentSigmas)
        self.studentGANWeight = studentGANWeight
        self.criticGANWeight = criticGANWeight
    }

    /// The step of a configuration.
    package init(_ denoiser: Denoiser, teacher: Denoiser? = nil, _ configuration: DistillationConfiguration) {
        self.init(
            CriticNetwork(denoiser, configuration),
            teacher: teacher, studentSigmas: configuration.studentSigmas.map { Float($0) },
            teacherGuidance: Float(configuration.teacherGuidance),
            matchingWeight: Float(configuration.matchingWeight), studentGANWeight: Float(configuration.ganWeight),
            criticGANWeight: Float(configuration.criticGanWeight))
    }

    /// Adds the gradient of v L_DM + w L_GAN by the student's weights to `gradient`, with the losses there are draws for.
    ///
    /// Traps: if there is none, as on a critic-only step.
    package func studentGradient(
        _ draws: DistillationDraws, _ networks: Networks, gradient: Tensor
    ) -> StudentResult {
        let input = studentInput(draws, networks.student)
        let tape = Tape()
        let images = sampler(
            input, call: draws.student.call, labels: draws.labels,
            .tracked(networks.student, on: tape, gradient: gradient))

        var slopes: [Tensor] = []
        var matching: StudentResult.Matching?
        var compared: StudentObservation.Matching?
        if let draw = draws.matching {
            let sigma = schedule.sigmas(draw.indices)
            let noisy = noised(images.detached, sigma: sigma, noise: draw.noise)
            let teacherDenoised = teacher.guided(
                noisy, sigma: sigma, labels: draws.labels, scale: teacherGuidance, .frozen(networks.teacher)
            ).value
            let criticDenoised = denoiser(noisy, sigma: sigma, labels: draws.labels, .frozen(networks.critic)).value
            let (loss, direction) = distributionMatchingLoss(
                images: images.value, teacher: teacherDenoised, critic: criticDenoised, weight: matchingWeight)
            slopes.append(loss.gradient)
            matching = .init(
                loss: loss.loss, teacherDenoised: teacherDenoised, criticDenoised: criticDenoised, direction: direction)
            let weights = criticLossWeights(sigma: sigma, denoiser.preconditioning)
            compared = .init(
                criticError: denoisingError(criticDenoised, images.value, weights: weights),
                teacherError: denoisingError(teacherDenoised, images.value, weights: weights),
                gradient: gradientNorm(loss.gradient))
        }
        var adversarial: LossGradient?
        var ganGradient: Float?
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
            if let slope = copy.slot?.gradient {
                ganGradient = gradientNorm(slope)
                slopes.append(slope)
            }
            adversarial = term
        }
        guard var imageGradient = slopes.first else {
            preconditionFailure("studentGradient: the draws are of a critic-only step")
        }
        for slope in slopes.dropFirst() { imageGradient = add(Variable(imageGradient), Variable(slope)).value }
        tape.backward([(images, imageGradient)])
        return StudentResult(
            images: images.value, matching: matching, adversarialLoss: adversarial?.loss, imageGradient: imageGradient,
            observation: StudentObservation(
                images: ImageStatistics(images.value), matching: compared, ganGradient: ganGradient))
    }

    /// Adds the gradient of `weight` times the distance between the student's images and the teacher's for the same noise
    /// to `gradient`; returns the distance. A pair's noise is what the student's first call starts from.
    package func regressionGradient(
        _ pairs: NoiseImagePairs, _ student: NetworkWeights, weight: Float, distance: ImageDistance, gradient: Tensor
    ) -> Float {
        let tape = Tape()
        let input = sampler.input(ofCall: 0, student, labels: pairs.labels) { _ in pairs.noise }
        let images = sampler(
            input, call: 0, labels: pairs.labels, .tracked(student, on: tape, gradient: gradient))
        let loss = distance(images.value, pairs.images)
        let slope = scale(Variable(loss.gradient), bySample: pairs.labels.map { _ in weight }).value
        tape.backward([(images, slope)])
        return loss.loss
    }

    /// The student's images on a critic-only step, without gradient.
    package func images(_ draws: DistillationDraws, _ networks: Networks) -> Tensor {
        sampler(
            studentInput(draws, networks.student), call: draws.student.call, labels: draws.labels,
            .frozen(networks.student)
        ).value
    }

    /// What the student's call of this step starts from, a constant: no gradient flows into how it came about.
    package func studentInput(_ draws: DistillationDraws, _ student: NetworkWeights) -> Tensor {
        switch draws.student {
        case .rollout(let noises):
            sampler.input(ofCall: draws.student.call, student, labels: draws.labels) { noises[$0] }
        case .noisedImages(let call, let noise):
            sampler.noised(draws.realImages, toCall: call, noise: noise)
        }
    }

    /// Adds the gradient of L_denoising + w L_D by the critic's weights, head included, to `gradient`, with the losses
    /// there are draws for.
    package func criticGradient(
        _ draws: DistillationDraws, images: Tensor, _ networks: Networks, gradient: Tensor
    ) -> CriticResult {
        let tape = Tape()
        let weights = BoundWeights.tracked(networks.critic, on: tape, gradient: gradient)
        // Each term goes back before the next one starts, so that only one pass is in memory.
        let denoisingLoss = draws.critic.map { draw in
            let sigma = schedule.sigmas(draw.indices)
            let denoised = denoiser(
                noised(Variable(images), sigma: sigma, noise: draw.noise), sigma: sigma, labels: draws.labels, weights)
            let loss = weightedSquaredError(
                denoised.value, images, weights: criticLossWeights(sigma: sigma, denoiser.preconditioning))
            tape.backward([(denoised, loss.gradient)])
            return loss.loss
        }
        guard let real = draws.realGAN, let fake = draws.fakeGAN else {
            return CriticResult(
                denoisingLoss: denoisingLoss, adversarialLoss: nil, realLogit: nil, generatedLogit: nil)
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
            denoisingLoss: denoisingLoss, adversarialLoss: onReal.loss + onGenerated.loss,
            realLogit: onReal.meanLogit, generatedLogit: onGenerated.meanLogit)
    }

    private func mean(_ x: Tensor) -> Float { x.buffer.reduce(0, +) / Float(x.count) }
}
