import Diffusion
package import Tensors

/// Images at drawn noise levels: an index into the 1000 levels of the schedule and unit noise for each.
package struct NoiseDraw {
    package let indices: [Int]
    /// `[N, H, W, C]`.
    package let noise: Tensor

    package init(indices: [Int], noise: Tensor) { (self.indices, self.noise) = (indices, noise) }
}

/// What the student's call of a step starts from, and with it which of its calls that is, counted from 0.
package enum StudentDraw {
    /// Backward simulation: the student's calls before it, from the first noise, each followed by the next one; unit
    /// noises `[N, H, W, C]`, one more than there are calls before it.
    case rollout([Tensor])
    /// Real images, the draws' own, under unit noise.
    case noisedImages(call: Int, noise: Tensor)

    /// The number of the call.
    package var call: Int {
        switch self {
        case .rollout(let noises): noises.count - 1
        case .noisedImages(let call, _): call
        }
    }

    /// All of its noise, in order.
    package var noises: [Tensor] {
        switch self {
        case .rollout(let noises): noises
        case .noisedImages(_, let noise): [noise]
        }
    }
}

/// Everything random in one step of one shard, drawn beforehand. The step itself is a function of this.
package struct DistillationDraws {
    /// The student's input, the labels of its images, and real images with theirs.
    package var student: StudentDraw
    package var labels: [Int]
    package var realImages: Tensor
    package var realLabels: [Int]
    /// Noise levels of the distribution-matching loss and of the student's GAN term; nil where there is no such loss,
    /// and on a critic-only step.
    package var matching: NoiseDraw?
    package var studentGAN: NoiseDraw?
    /// Noise levels of the critic's denoising loss, and of the head's real and generated batches; nil likewise.
    package var critic: NoiseDraw?
    package var realGAN: NoiseDraw?
    package var fakeGAN: NoiseDraw?

    package init(
        student: StudentDraw, labels: [Int], realImages: Tensor, realLabels: [Int], matching: NoiseDraw?,
        studentGAN: NoiseDraw?, critic: NoiseDraw?, realGAN: NoiseDraw?, fakeGAN: NoiseDraw?
    ) {
        self.student = student
        self.labels = labels
        self.realImages = realImages
        self.realLabels = realLabels
        self.matching = matching
        self.studentGAN = studentGAN
        self.critic = critic
        self.realGAN = realGAN
        self.fakeGAN = fakeGAN
    }

    /// Draws the step `step` of the samples from `firstSample` on, keyed by (seed, purpose, step, sample, draw).
    ///
    /// Which call of the student is trained depends on (seed, step) alone, so it is the same for all samples: shards and
    /// ranks, which must do the same work, agree without a word.
    package init(
        _ configuration: DistillationConfiguration, imageShape: Shape, classes: Int, seed: UInt64, step: Int,
        firstSample: Int, realImages: Tensor, realLabels: [Int], updatesStudent: Bool
    ) {
        let count = imageShape[0]
        func noise(_ purpose: RandomPurpose, draw: Int = 0) -> Tensor {
            RandomStream(seed: seed, purpose: purpose, draw: draw)
                .normal(imageShape, step: step, firstSample: firstSample)
        }
        func integers(_ purpose: RandomPurpose, _ range: ClosedRange<Int>) -> [Int] {
            let stream = RandomStream(seed: seed, purpose: purpose)
            return (0..<count).map { stream.integer(in: range, step: step, sample: firstSample + $0) }
        }
        func draw(_ index: RandomPurpose, _ noisePurpose: RandomPurpose, _ range: ClosedRange<Int>) -> NoiseDraw {
            NoiseDraw(indices: integers(index, range), noise: noise(noisePurpose))
        }
        let judged = 0...configuration.ganMaxIndex - 1
        let (matches, usesGAN) = (configuration.matchingWeight > 0, configuration.usesGAN)
        let call = RandomStream(seed: seed, purpose: .studentCall)
            .integer(in: 0...configuration.studentSigmas.count - 1, step: step, sample: 0)
        let student: StudentDraw
        var labels = integers(.studentLabel, 0...classes - 1)
        if configuration.studentInput == .noisedData && call > 0 {
            student = .noisedImages(call: call, noise: noise(.studentNoise))
            // What is left of a real image under the noise is of its own class.
            labels = realLabels
        } else {
            let transitions = call > 0 ? (1...call).map { noise(.rolloutNoise, draw: $0) } : []
            student = .rollout([noise(.studentNoise)] + transitions)
        }
        self.init(
            student: student, labels: labels, realImages: realImages, realLabels: realLabels,
            matching: updatesStudent && matches
                ? draw(.matchingIndex, .matchingNoise, configuration.minIndex...configuration.maxIndex) : nil,
            studentGAN: updatesStudent && usesGAN ? draw(.studentGANIndex, .studentGANNoise, judged) : nil,
            critic: matches ? draw(.criticIndex, .criticNoise, 0...NoiseSchedule.levels - 1) : nil,
            realGAN: usesGAN ? draw(.realGANIndex, .realGANNoise, judged) : nil,
            fakeGAN: usesGAN ? draw(.fakeGANIndex, .fakeGANNoise, judged) : nil)
    }
}
