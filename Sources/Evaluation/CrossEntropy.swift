import Glibc
package import Tensors

/// The cross-entropy of a batch, and its derivative, to seed the tape with.
package struct CrossEntropy {
    /// -log softmax(logits)[label], the mean over the batch, in nats.
    package let loss: Float
    /// The loss's derivative by the logits, `[N, classes]`: (softmax - one-hot) / N.
    package let gradient: Tensor
    /// How many of the batch's images have their largest logit at their label.
    package let correctCount: Int

    /// The loss of logits `[N, classes]` for the classes `labels` `[N]`.
    ///
    /// Traps: if the counts differ, the batch is empty, or a label is not a class.
    package init(_ logits: Tensor, labels: [Int]) {
        let (samples, classes) = (logits.shape[0], logits.shape[1])
        precondition(samples == labels.count && samples > 0, "\(samples) rows of logits for \(labels.count) labels")
        let gradient = Tensor(uninitialized: logits.shape)
        let (source, target) = (logits.buffer, gradient.buffer)
        var total = 0.0
        var correctCount = 0
        for (sample, label) in labels.enumerated() {
            precondition((0..<classes).contains(label), "label \(label) of \(classes) classes")
            let row = sample * classes..<(sample + 1) * classes
            // The largest logit is taken out first, so that no exponential overflows.
            let largest = source[row].max() ?? 0
            let logSum = largest + log(source[row].reduce(0) { $0 + exp($1 - largest) })
            for index in row { target[index] = exp(source[index] - logSum) / Float(samples) }
            target[row.lowerBound + label] -= 1 / Float(samples)
            total += Double(logSum - source[row.lowerBound + label])
            correctCount += source[row.lowerBound + label] == largest ? 1 : 0
        }
        loss = Float(total / Double(samples))
        self.gradient = gradient
        self.correctCount = correctCount
    }
}
