/// How often a classifier sees in a generated image the class that was asked for.
package struct ClassAgreement: Sendable, Equatable {
    /// The number of classes, K.
    package let classes: Int
    /// Images by class asked for (row) and class predicted (column), `[K, K]` row-major.
    package private(set) var confusion: [Int]

    /// No image yet.
    ///
    /// Traps: if `classes` is not positive.
    package init(classes: Int) {
        precondition(classes > 0, "agreement over \(classes) classes")
        self.classes = classes
        confusion = [Int](repeating: 0, count: classes * classes)
    }

    /// Takes in a batch: the class asked for of each image, and the classifier's logits `[N, K]` row-major.
    ///
    /// The predicted class is the one of the largest logit, the lowest such class on a tie.
    /// Traps: if the counts do not match or a label is not in 0..<K.
    package mutating func add(requested: [Int], logits: [Float]) {
        precondition(
            logits.count == requested.count * classes,
            "\(logits.count) logits for \(requested.count) images of \(classes) classes")
        for (image, label) in requested.enumerated() {
            precondition((0..<classes).contains(label), "label \(label) of \(classes) classes")
            let row = logits[image * classes..<(image + 1) * classes]
            var predicted = row.startIndex
            for index in row.indices where row[index] > row[predicted] { predicted = index }
            confusion[label * classes + predicted - row.startIndex] += 1
        }
    }

    /// Takes in the images that `other` has seen.
    ///
    /// Traps: if the numbers of classes differ.
    package mutating func merge(_ other: ClassAgreement) {
        precondition(other.classes == classes, "merge of \(classes) and \(other.classes) classes")
        for index in confusion.indices { confusion[index] += other.confusion[index] }
    }

    /// The number of images seen.
    package var images: Int { confusion.reduce(0, +) }

    /// The share of images, 0 to 1, whose predicted class is the one asked for; 0 when none was seen.
    package var share: Double {
        let agreeing = (0..<classes).reduce(0) { $0 + confusion[$1 * (classes + 1)] }
        return images == 0 ? 0 : Double(agreeing) / Double(images)
    }
}
