import Glibc

/// The settings of the `teacher` stage: EDM training (Karras et al. 2022, section 5 and table 1).
package struct TeacherConfiguration: Sendable, Equatable {
    /// A safetensors file with the weights of a teacher that is not to be trained here; empty: train one.
    package var weights = ""

    /// SHA-256 of that file, lower-case hexadecimal; filled in where it is empty, so that a run keeps its teacher.
    package var weightsSHA256 = ""

    /// Updates.
    package var steps = 1500

    /// Images per update, over all ranks.
    package var batch = 64

    /// Logical shards of a batch: a power of two, at least the number of ranks.
    package var shards = 4

    /// AdamW learning rate.
    package var learningRate = 1e-3

    /// AdamW's decoupled weight decay.
    package var weightDecay = 0.01

    /// Updates of linear learning-rate warm-up.
    package var warmupSteps = 100

    /// Final fraction of the updates over which the learning rate falls linearly to zero; 0 keeps it constant.
    package var decayFraction = 0.33

    /// Largest L2 norm of a gradient; a longer one is scaled down to it.
    package var maxGradientNorm = 10.0

    /// Mean of ln sigma, the noise level drawn for each image on the `karras` schedule.
    package var logSigmaMean = -1.2

    /// Standard deviation of ln sigma.
    package var logSigmaDeviation = 1.2

    /// Probability that an image's label is left out, so that the teacher learns to denoise without it too, as guidance
    /// needs; of a teacher trained elsewhere, with what it was trained.
    package var labelDropout = 0.0

    /// Images after which a weight's share in the moving average has halved.
    package var emaHalfLifeImages = 9000

    /// Updates between two checkpoints.
    package var checkpointEverySteps = 500

    /// True if the teacher comes from a file, and there is no `teacher` stage.
    package var isGiven: Bool { !weights.isEmpty }

    /// Decay per update of the moving-average weights: 0.5^(batch / half-life).
    package var emaDecay: Double { pow(0.5, Double(batch) / Double(emaHalfLifeImages)) }
}
