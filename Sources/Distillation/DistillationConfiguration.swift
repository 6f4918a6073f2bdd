/// The settings of the `distil` stage: DMD2 (Yin et al. 2024) of a teacher into a student of one or a few steps.
///
/// The paper's names: student = generator G, critic = fake score, head = discriminator. An index counts the 1000
/// noise levels of the schedule from the smallest (0) to the largest (999).
package struct DistillationConfiguration: Sendable, Equatable {
    /// What the student's distribution is to match.
    package enum Teacher: String, Sendable {
        /// The network that the `teacher` stage trained.
        case network
        /// The data's own optimal denoiser, where it is known; student and critic still start from the trained network.
        case closedForm
    }

    /// What tells the student where the data are.
    package var teacher = Teacher.network

    /// Updates of the student; the critic makes `ratio` times as many, and its warm-up.
    package var studentUpdates = 300

    /// Seed of the stage's draws and data order; 0 takes the run's. Runs that differ in it alone distil the same teacher
    /// and are judged by the same classifier.
    package var seed: UInt64 = 0

    /// Images per update, over all ranks.
    package var batch = 64

    /// Logical shards of a batch: a power of two, at least the number of ranks. Results do not depend on the ranks, but
    /// they do on the shards.
    package var shards = 4

    /// Critic updates per student update (R of the two time-scale rule, section 4.2 of the paper).
    package var ratio = UpdateRatio.fixed(5)

    /// Steps before the first student update, which train the critic and its head on the images that the student draws
    /// at its start.
    package var criticWarmupUpdates = 0

    /// What a call of the student after its first starts from while it is trained.
    package enum StudentInput: String, Sendable, CaseIterable {
        /// What the student's own calls before it make, as when it samples (section 4.5 of the paper).
        case backwardSimulation
        /// Real images, which it will never see when it samples: the variant the paper compares with.
        case noisedData
    }

    /// Noise levels of the student's calls, sigma / alpha of the schedule, descending: it starts from the first times unit
    /// noise (the paper: 80), or under predictions other than `edm` from the unit noise itself, and returns to each other
    /// one with fresh noise. One level makes a one-step student.
    package var studentSigmas = [2.5]

    /// Where the calls after the first start from in training.
    package var studentInput = StudentInput.backwardSimulation

    /// Scale of the teacher's guidance in the distribution-matching loss, uncond + scale (cond - uncond); 1 is none.
    package var teacherGuidance = 1.0

    /// Lowest index of the distribution-matching loss, inclusive (the paper: 20).
    package var minIndex = 20

    /// Highest index of the distribution-matching loss, inclusive (the paper: 980).
    package var maxIndex = 800

    /// AdamW learning rate of the student.
    package var studentLearningRate = 4e-4

    /// AdamW learning rate of the critic and its head.
    package var criticLearningRate = 8e-4

    /// AdamW's decay of the first moment, both optimisers.
    package var beta1 = 0.0

    /// AdamW's decay of the second moment, both optimisers.
    package var beta2 = 0.999

    /// AdamW's decoupled weight decay, both optimisers.
    package var weightDecay = 0.01

    /// Weight of the distribution-matching loss in the student's loss (the paper: 1). 0 leaves the GAN alone: no teacher,
    /// and the critic is its head's encoder, which denoises nothing.
    package var matchingWeight = 1.0

    /// Weight of the GAN loss in the student's loss: L_DM + ganWeight · mean softplus(-D(student)). 0: no GAN, no head.
    ///
    /// The distribution-matching gradient falls with the number of pixels and the GAN's does not, so the weight depends
    /// on the image size (3e-3 at 64x64x3).
    package var ganWeight = 0.04

    /// Weight of the GAN loss in the critic's loss: L_fake + criticGanWeight · L_D.
    package var criticGanWeight = 0.01

    /// Weight of DMD's regression loss in the student's loss (arXiv 2311.18828, section 3.3): the distance between the
    /// student's image and the teacher's for the same noise. 0, as in DMD2: none, and no pairs are made.
    package var regressionWeight = 0.0

    /// How far two images are apart for the regression loss.
    package enum RegressionDistance: String, Sendable, CaseIterable {
        /// Mean squared difference of pixels.
        case mse
        /// Mean squared difference of the run's classifier's features.
        case features
    }

    /// The distance of the regression loss.
    package var regressionDistance = RegressionDistance.mse

    /// Pairs of noise and the teacher's image for the regression loss, made once, before this stage.
    package var pairs = 2000

    /// Noise levels of the images that the head judges: indices below this one (the paper: 1000, all of them). 1 leaves
    /// the lowest, 0.002, at which images are clean to the eye.
    package var ganMaxIndex = 1000

    /// Encoder resolutions that have a head each; none means one head, on the bottleneck.
    package var headResolutions: [Int] = []

    /// Groups of the head's normalisations (the paper: 32).
    ///
    /// The head's last norm sees a single pixel, so a group has channels / groups numbers; with two, it turns both into
    /// ±1 whatever they were, and no gradient passes.
    package var headGroups = 8

    /// Largest L2 norm of a gradient; a longer one is scaled down to it.
    package var maxGradientNorm = 10.0

    /// Updates of linear learning-rate warm-up, counted by each optimiser for itself.
    package var warmupUpdates = 20

    /// Final fraction of the student's updates over which its learning rate falls linearly to zero; 0 keeps it constant.
    package var decayFraction = 0.5

    /// The same of the critic's updates and rate. A critic that can still learn while the student comes to rest follows
    /// it to the end.
    package var criticDecayFraction = 0.5

    /// Decay per student update of the student's moving-average weights, which are evaluated unless another set is asked
    /// for.
    package var emaDecay = 0.98

    /// Decays of further averages of the student's weights, kept beside the first.
    package var emaFurtherDecays: [Double] = []

    /// Critic updates between two checkpoints.
    package var checkpointEverySteps = 250

    /// The recipe for the digits.
    package init() {}

    /// True where there is a GAN: the head is trained, and trains the student.
    package var usesGAN: Bool { ganWeight > 0 }

    /// The student's calls without gradient before the trained one, the mean over steps.
    package var meanRolloutCalls: Double {
        studentInput == .backwardSimulation ? Double(studentSigmas.count - 1) / 2 : 0
    }

    /// Steps of the stage, if the ratio stays: one critic update each, and on one step in `ratio` a student update.
    package var steps: Int { criticWarmupUpdates + studentUpdates * ratio.typical }
}
