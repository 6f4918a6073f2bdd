import Diffusion
package import Tensors

/// Images at drawn noise levels: an index into the 1000 levels of the schedule and unit noise for each.
package struct NoiseDraw {
    package let indices: [Int]
    /// `[N, H, W, C]`.
    package let noise: Tensor

    package init(indices: [Int], noise: Tensor) { (self.indices, self.noise) = (indices, noise) }
}

/// Everything random in one step of one shard, drawn beforehand. The step itself is a function of this.
package struct DistillationDraws {
    /// The student's unit noise `[N, H, W, C]` and labels, and real images with theirs.
    package var studentNoise: Tensor
    package var labels: [Int]
    package var realImages: Tensor
    package var realLabels: [Int]
    /// Noise levels of the distribution-matching loss and of the student's GAN term; nil on a critic-only step.
    package var matching: NoiseDraw?
    package var studentGAN: NoiseDraw?
    /// Noise levels of the critic's denoising loss, and of the head's real and generated batches.
    package var critic: NoiseDraw
    package var realGAN: NoiseDraw?
    package var fakeGAN: NoiseDraw?

    package init(
        studentNoise: Tensor, labels: [Int], realImages: Tensor, realLabels: [Int], matching: NoiseDraw?,
        studentGAN: NoiseDraw?, critic: NoiseDraw, realGAN: NoiseDraw?, fakeGAN: NoiseDraw?
    ) {
        self.studentNoise = studentNoise
        self.labels = labels
        self.realImages = realImages
        self.realLabels = realLabels
        self.matching = matching
        self.studentGAN = studentGAN
        self.critic = critic
        self.realGAN = realGAN
        self.fakeGAN = fakeGAN
    }

    /// Draws the step `step` of the samples from `firstSample` on, keyed by (seed, purpose, step, sample).
    package init(
        _ configuration: DistillationConfiguration, imageShape: Shape, classes: Int, seed: UInt64, step: Int,
        firstSample: Int, realImages: Tensor, realLabels: [Int], updatesStudent: Bool
    ) {
        let count = imageShape[0]
        func noise(_ purpose: RandomPurpose) -> Tensor {
            RandomStream(seed: seed, purpose: purpose).normal(imageShape, step: step, firstSample: firstSample)
        }
        func integers(_ purpose: RandomPurpose, _ range: ClosedRange<Int>) -> [Int] {
            let stream = RandomStream(seed: seed, purpose: purpose)
            return (0..<count).map { stream.integer(in: range, step: step, sample: firstSample + $0) }
        }
        func draw(_ index: RandomPurpose, _ noisePurpose: RandomPurpose, _ range: ClosedRange<Int>) -> NoiseDraw {
            NoiseDraw(indices: integers(index, range), noise: noise(noisePurpose))
        }
        let all = 0...NoiseSchedule.levels - 1
        let trainsHead = configuration.criticGanWeight > 0
        self.init(
            studentNoise: noise(.studentNoise), labels: integers(.studentLabel, 0...classes - 1),
            realImages: realImages, realLabels: realLabels,
            matching: updatesStudent
                ? draw(.matchingIndex, .matchingNoise, configuration.minIndex...configuration.maxIndex) : nil,
            studentGAN: updatesStudent && configuration.ganWeight > 0
                ? draw(.studentGANIndex, .studentGANNoise, all) : nil,
            critic: draw(.criticIndex, .criticNoise, all),
            realGAN: trainsHead ? draw(.realGANIndex, .realGANNoise, all) : nil,
            fakeGAN: trainsHead ? draw(.fakeGANIndex, .fakeGANNoise, all) : nil)
    }
}
