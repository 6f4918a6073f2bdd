import Evaluation
import Layers
import Tensors
import Testing

/// Images of `classes` kinds, one bright row each, under noise.
private func stripes(_ labels: [Int], side: Int, step: Int) -> Tensor {
    let images = RandomStream(seed: 5, purpose: .teacherNoise)
        .normal(Shape(labels.count, side, side, 1), step: step, firstSample: 0)
    for (sample, label) in labels.enumerated() {
        for column in 0..<side { images.buffer[(sample * side + label) * side + column] += 2 }
    }
    return images
}

@Test("Cross-entropy's gradient is that of central differences")
func crossEntropyGradient() {
    let logits: [Float] = [0.5, -1, 2, 0, 3, -2, 1, 1]
    let labels = [2, 3]
    let gradient = CrossEntropy(Tensor(logits, Shape(2, 4)), labels: labels).gradient.elements
    for index in logits.indices {
        func loss(_ shift: Float) -> Float {
            var moved = logits
            moved[index] += shift
            return CrossEntropy(Tensor(moved, Shape(2, 4)), labels: labels).loss
        }
        // Float losses of about 1 carry 1e-7; over a distance of 0.02 that is 5e-6, and the third derivative adds 2e-5.
        #expect(abs((loss(0.01) - loss(-0.01)) / 0.02 - gradient[index]) < 1e-4)
    }
}

@Test("Cross-entropy of equal logits is log K, and large logits do not overflow")
func crossEntropyValues() {
    // log 4; a float sum of four ones and its logarithm are exact to a few last bits.
    #expect(abs(CrossEntropy(Tensor([7, 7, 7, 7], Shape(1, 4)), labels: [0]).loss - 1.386294) < 1e-5)
    let large = CrossEntropy(Tensor([1000, -1000, -1000, 1000], Shape(2, 2)), labels: [0, 0])
    #expect(large.loss == 1000)
    #expect(large.correctCount == 1)
}

@Test("Features and logits have their shapes at any side", arguments: [4, 8, 28])
func classifierShapes(side: Int) {
    let classifier = DigitClassifier(resolution: side, imageChannels: 1, classes: 3)
    let weights = NetworkWeights(classifier.layout, seed: 1)
    let (features, logits) = classifier.describe(stripes([0, 1, 2, 0, 1], side: side, step: 0), weights)
    #expect(features.count == 5 * DigitClassifier.featureCount)
    #expect(logits.count == 5 * 3)
}

@Test("The classifier's gradient is that of central differences along a direction")
func classifierGradient() {
    let classifier = DigitClassifier(resolution: 8, imageChannels: 1, classes: 4)
    let weights = NetworkWeights(classifier.layout, seed: 2)
    let labels = [0, 1, 2, 3]
    let images = Variable(stripes(labels, side: 8, step: 1))
    let tape = Tape()
    let gradient = Tensor(repeating: 0, weights.values.shape)
    let logits = classifier.logits(images, .tracked(weights, on: tape, gradient: gradient))
    tape.backward([(logits, CrossEntropy(logits.value, labels: labels).gradient)])

    // Along the gradient the slope is its norm, far above the rounding of the loss.
    let norm = gradient.elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
    func loss(_ distance: Float) -> Float {
        let moved = weights.copied()
        moved.update { values in
            for index in values.buffer.indices { values.buffer[index] += distance / norm * gradient.buffer[index] }
        }
        return CrossEntropy(classifier.logits(images, .frozen(moved)).value, labels: labels).loss
    }
    // Losses of about 1.4 carry 1e-6 through the network; over 0.02 that is 1e-4 of a slope of about 1.
    #expect(abs((loss(0.01) - loss(-0.01)) / 0.02 / norm - 1) < 0.01)
}

@Test("Forty updates teach it to tell four patterns apart")
func classifierLearns() {
    let classifier = DigitClassifier(resolution: 8, imageChannels: 1, classes: 4)
    let weights = NetworkWeights(classifier.layout, seed: 3)
    let optimizer = NetworkOptimizer(weights, AdamWConfiguration(), keepsAverage: false)
    let labels = (0..<32).map { $0 % 4 }
    for step in 0..<40 {
        let tape = Tape()
        let gradient = Tensor(repeating: 0, weights.values.shape)
        let logits = classifier.logits(
            Variable(stripes(labels, side: 8, step: step)), .tracked(weights, on: tape, gradient: gradient))
        tape.backward([(logits, CrossEntropy(logits.value, labels: labels).gradient)])
        _ = optimizer.update(gradient: gradient.pointer, scale: 1, learningRate: 2e-3, averageKeep: 0)
    }
    var agreement = ClassAgreement(classes: 4)
    let unseen = stripes(labels, side: 8, step: 1000)
    agreement.add(requested: labels, logits: classifier.describe(unseen, weights).logits)
    #expect(agreement.share > 0.9, "chance is 0.25")
}
