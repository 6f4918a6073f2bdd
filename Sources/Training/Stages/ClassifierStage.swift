package import Coordination
package import Evaluation
import Layers
package import Tensors

/// Trains the classifier whose features and decisions judge the images, on all but the held-out ones.
package final class ClassifierStage: TrainingStage {
    package let name = "classifier"
    package let goal: StageDeclaration.Goal
    package let shards: Int
    package let batch: Int
    package let checkpointInterval = 0
    package let epochSamples: Int
    package let networks: [TrainedNetwork]

    private let classifier: DigitClassifier
    private let images: TrainingImages
    private let seed: UInt64

    /// `images` are the ones to train on, without the held-out ones.
    package init(
        _ configuration: ClassifierConfiguration, classifier: DigitClassifier, images: TrainingImages, seed: UInt64
    ) {
        self.classifier = classifier
        self.images = images
        self.seed = seed
        goal = .steps(count: configuration.steps)
        (shards, batch) = (configuration.shards, configuration.batch)
        epochSamples = images.count
        networks = [
            TrainedNetwork(
                name: "classifier",
                optimizer: NetworkOptimizer(
                    NetworkWeights(classifier.layout, seed: seed), AdamWConfiguration(), keepsAverage: false),
                learningRate: LearningRateSchedule(
                    peak: Float(configuration.learningRate), warmupUpdates: 20, totalUpdates: configuration.steps,
                    decayFraction: 0.5),
                averageKeep: 0, metricNames: ["loss", "accuracy"])
        ]
    }

    package func updates(of kind: StepKind) -> [Int] { [0] }

    package func accumulate(
        network: Int, step: Int, kind: StepKind, shard: Int, gradient: Tensor, metrics: UnsafeMutablePointer<Float>
    ) {
        let firstSample = shard * shardBatch
        let (clean, labels) = images.batch(first: step * batch + firstSample, count: shardBatch)
        let stream = RandomStream(seed: seed, purpose: .classifierShift)
        let shifts = labels.indices.map { stream.integer(in: 0...8, step: step, sample: firstSample + $0) }
        let tape = Tape()
        let logits = classifier.logits(
            Variable(shifted(clean, shifts)), .tracked(networks[0].optimizer.weights, on: tape, gradient: gradient))
        let loss = CrossEntropy(logits.value, labels: labels)
        tape.backward([(logits, loss.gradient)])
        metrics[0] = loss.loss
        metrics[1] = Float(loss.correctCount) / Float(labels.count)
    }

    /// Moves each image by at most a pixel each way, filling with black: shift k is (k / 3 - 1, k % 3 - 1).
    private func shifted(_ images: Tensor, _ shifts: [Int]) -> Tensor {
        let (height, width, channels) = (images.shape[1], images.shape[2], images.shape[3])
        let result = Tensor(repeating: -1, images.shape)
        for (n, shift) in shifts.enumerated() {
            let (dy, dx) = (shift / 3 - 1, shift % 3 - 1)
            for y in max(0, dy)..<min(height, height + dy) {
                for x in max(0, dx)..<min(width, width + dx) {
                    let target = ((n * height + y) * width + x) * channels
                    let source = ((n * height + y - dy) * width + x - dx) * channels
                    for c in 0..<channels { result.pointer[target + c] = images.pointer[source + c] }
                }
            }
        }
        return result
    }
}
