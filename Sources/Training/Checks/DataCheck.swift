import Evaluation

/// Whether a data set is one that a teacher can learn from.
package enum DataCheck {
    /// A class with less than this part of an even share is worth a word.
    static let rareShare = 0.1

    /// Labels are within the classes, and every class has images: the student is asked for each as often as for any other.
    ///
    /// Labels that the network does not see matter to the judging classifier alone.
    package static func labels(_ labels: [Int], classes: Int, isConditional: Bool) -> Finding {
        let name = "labels"
        let bounds = "0 to \(classes - 1)"
        if let index = labels.firstIndex(where: { !(0..<classes).contains($0) }) {
            return Finding(
                .failed, name, "image \(index + 1) has label \(labels[index]), not one of \(bounds)",
                advice: "raise data.classes, or correct the labels")
        }
        var counts = [Int](repeating: 0, count: classes)
        for label in labels { counts[label] += 1 }
        let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
        let measured = "\(NumberText.count(labels.count)) images, labels \(bounds), \(least) to \(most) images each"
        let empty = counts.indices.filter { counts[$0] == 0 }
        if let first = empty.first {
            let others = empty.count > 1 ? " and \(empty.count - 1) more" : ""
            return Finding(
                isConditional ? .failed : .warning, name, "\(measured): none of label \(first)\(others)",
                advice: "lower data.classes to the labels there are, or add images")
        }
        if Double(least * classes) < rareShare * Double(labels.count) {
            return Finding(
                .warning, name, measured,
                advice: "the rarest class has less than a tenth of its share; the student is asked for all alike")
        }
        return Finding(.ok, name, measured)
    }

    /// How far the standard deviation may be from `network.sigmaData`, as a factor, before the network's input and output
    /// are no longer near unit variance.
    static let deviationFactor = 2.0

    /// Pixels are numbers in -1...1 that differ, with about the standard deviation that the network is scaled for. Points may
    /// lie anywhere.
    package static func pixels(_ pixels: [Float], isOfPoints: Bool, sigmaData: Double) -> Finding {
        let name = "pixels"
        if let index = pixels.firstIndex(where: { !$0.isFinite }) {
            return Finding(
                .failed, name, "value \(index + 1) of \(pixels.count) is \(pixels[index])", advice: "correct the data")
        }
        let spread = PixelSpread(pixels)
        let (low, high) = (Double(pixels.min() ?? 0), Double(pixels.max() ?? 0))
        let figures = [low, high, spread.mean, spread.variance.squareRoot()].map(NumberText.figure)
        let measured =
            "\(figures[0]) to \(figures[1]), mean \(figures[2]), standard deviation \(figures[3]), network.sigmaData "
            + NumberText.figure(sigmaData)
        if !isOfPoints && (low < -1 || high > 1) {
            return Finding(.failed, name, measured, advice: "scale the values to -1 to 1")
        }
        guard spread.variance > 0 else {
            return Finding(.failed, name, measured, advice: "all values are the same: correct data.source")
        }
        let factor = spread.variance.squareRoot() / sigmaData
        if max(factor, 1 / factor) > deviationFactor {
            return Finding(
                .warning, name, measured, advice: "more than a factor of 2 apart: set network.sigmaData near it")
        }
        return Finding(.ok, name, measured)
    }
}

/// Mean and variance of all values of a data set.
struct PixelSpread {
    let mean: Double, variance: Double

    init(_ pixels: [Float]) {
        let count = Double(pixels.count)
        let mean = pixels.reduce(0) { $0 + Double($1) } / count
        variance = pixels.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        self.mean = mean
    }
}
