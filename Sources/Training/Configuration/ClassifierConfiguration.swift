/// The settings of the `classifier` stage: the small network whose features and labels judge the images.
package struct ClassifierConfiguration: Sendable, Equatable {
    /// Updates.
    package var steps = 600

    /// Images per update, over all ranks.
    package var batch = 64

    /// Logical shards of a batch: a power of two, at least the number of ranks.
    package var shards = 4

    /// AdamW learning rate.
    package var learningRate = 2e-3
}
