/// The settings of the `distil` stage: DMD2 (Yin et al. 2024) of a teacher into a one-step student.
///
/// The paper's names: student = generator G, critic = fake score, head = discriminator. An index counts the 1000
/// noise levels of the schedule from the smallest (0) to the largest (999).
package struct DistillationConfiguration: Sendable, Equatable {
    /// Updates of the student; the critic makes `ratio` times as many.
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
    package var ratio = 5

    /// Noise level the student starts from, sigma / alpha of the schedule: its input is studentSigma times unit noise (the
    /// paper: 80), or under predictions other than `edm` the unit noise itself.
    package var studentSigma = 2.5

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

    /// Weight of the GAN loss in the student's loss: L_DM + ganWeight · mean softplus(-D(student)).
    ///
    /// The distribution-matching gradient falls with the number of pixels and the GAN's does not, so the weight depends
    /// on the image size (3e-3 at 64x64x3).
    package var ganWeight = 0.04

    /// Weight of the GAN loss in the critic's loss: L_fake + criticGanWeight · L_D.
    package var criticGanWeight = 0.01

    /// Groups of the head's normalisations (the paper: 32).
    ///
    /// The head's last norm sees a single pixel, so a group has channels / groups numbers; with two, it turns both into
    /// ±1 whatever they were, and no gradient passes.
    package var headGroups = 8

    /// Largest L2 norm of a gradient; a longer one is scaled down to it.
    package var maxGradientNorm = 10.0

    /// Updates of linear learning-rate warm-up, counted by each optimiser for itself.
    package var warmupUpdates = 20

    /// Final fraction of the updates over which both learning rates fall linearly to zero; 0 keeps them constant.
    package var decayFraction = 0.5

    /// Decay per student update of the student's moving-average weights, which are the ones evaluated.
    package var emaDecay = 0.98

    /// Critic updates between two checkpoints.
    package var checkpointEverySteps = 250

    /// The recipe for the digits.
    package init() {}

    /// Steps of the stage: one critic update each, and on one step in `ratio` a student update.
    package var steps: Int { studentUpdates * ratio }
}
