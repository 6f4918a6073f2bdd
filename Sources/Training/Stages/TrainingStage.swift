package import Coordination
package import Layers
package import Tensors

/// A network that a stage trains: its weights and optimiser, its learning rate, and what its updates measure.
package struct TrainedNetwork {
    /// The role, which names its tensors in checkpoints: `teacher`, `student`, `critic`, `classifier`.
    package let name: String
    package let optimizer: NetworkOptimizer
    package let learningRate: LearningRateSchedule
    /// The optimiser whose updates the decay of the learning rate counts, where it is not the network's own: its number of
    /// updates is not known beforehand.
    package let decayPace: NetworkOptimizer?
    /// The share of the moving average kept at an update.
    package let averageKeep: Float
    /// Averages beside the optimiser's.
    package let furtherAverages: [MovingAverage]
    /// The names of the values that one shard's gradient comes with, in order.
    package let metricNames: [String]

    package init(
        name: String, optimizer: NetworkOptimizer, learningRate: LearningRateSchedule,
        decayPace: NetworkOptimizer? = nil, averageKeep: Float, furtherAverages: [MovingAverage] = [],
        metricNames: [String]
    ) {
        self.name = name
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.decayPace = decayPace
        self.averageKeep = averageKeep
        self.furtherAverages = furtherAverages
        self.metricNames = metricNames
    }

    /// The learning rate of the next update.
    var nextLearningRate: Float {
        learningRate.rate(update: optimizer.updateCount, decayUpdate: (decayPace ?? optimizer).updateCount)
    }

    /// The weights to use in the end: the moving average, or the weights themselves where there is none.
    var averagedWeights: NetworkWeights { optimizer.average ?? optimizer.weights }

    /// The floats of one shard's vector: the gradient, then the metrics.
    var vectorCount: Int { optimizer.weights.layout.elementCount + metricNames.count }
}

/// A part of the run that trains networks step by step. What a stage computes depends on (step, shard) alone.
package protocol TrainingStage: AnyObject {
    /// The stage's name in configuration, journal and checkpoints.
    var name: String { get }
    /// When it is complete.
    var goal: StageDeclaration.Goal { get }
    /// Logical shards of a batch, and images of a batch.
    var shards: Int { get }
    var batch: Int { get }
    /// State is saved every so many steps.
    var checkpointInterval: Int { get }
    /// Images of an epoch: step `n` consumes those from `n * batch` on of a sequence that visits each once an epoch.
    var epochSamples: Int { get }
    /// What it trains.
    var networks: [TrainedNetwork] { get }

    /// The networks, by index, that a step of this kind updates, in order.
    func updates(of kind: StepKind) -> [Int]

    /// Computes one shard of one update.
    ///
    /// `gradient` is zero on entry and receives the gradient of the shard's mean loss, flat; `metrics` receives the
    /// shard's means, one per name of the network's `metricNames`.
    func accumulate(
        network: Int, step: Int, kind: StepKind, shard: Int, gradient: Tensor, metrics: UnsafeMutablePointer<Float>)

    /// Tells the stage that a step is over, so that it lets go of what the step kept.
    func endStep()

    /// The images that show how far the stage has come; nil where it trains nothing that draws.
    ///
    /// `noise` gives unit noise by its number, as a sampler asks for it. Shapes: noise and the result `[N, H, W, C]`;
    /// labels `[N]`.
    func samples(labels: [Int], noise: (Int) -> Tensor) -> Tensor?
}

extension TrainingStage {
    /// The images of one shard.
    var shardBatch: Int { batch / shards }

    /// The most steps there can be, for progress; a ratio changed on the way moves it.
    package var plannedSteps: Int {
        switch goal {
        case .steps(let count), .tasks(let count): count
        case .studentUpdates(let count, let ratio, let warmup, _): warmup + count * ratio
        }
    }

    package func endStep() {}

    package func samples(labels: [Int], noise: (Int) -> Tensor) -> Tensor? { nil }
}
