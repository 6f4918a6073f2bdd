package import Datasets
package import Diffusion
import Evaluation
import Tensors

/// A data set that is not what the configuration says.
package struct DataMismatch: Error, Sendable, CustomStringConvertible {
    let found: String
    let wanted: String

    package var description: String {
        "the data set has \(found), the configuration says \(wanted): change data.resolution, data.imageChannels or data.classes"
    }
}

extension DataConfiguration {
    /// The points of `mixture2d`, the same for all runs as any data set.
    private static var mixturePoints: LabelledImages {
        let (mixture, count) = (GaussianMixture.eightModes, 10_000)
        return LabelledImages(
            pixels: mixture.points(count, seed: 1, set: 0), labels: [Int](repeating: 0, count: count), height: 1,
            width: 1, channels: mixture.dimensions, classCount: 1)
    }

    /// Reads the data set.
    ///
    /// Throws: `DatasetError` for a file that is missing or damaged, `DataMismatch` where its images are not the network's,
    /// `EvaluationError` for fewer images than the evaluation compares with.
    package func load(_ network: NetworkConfiguration) throws -> LabelledImages {
        let records =
            switch source {
            case .digits: try DigitsRecords.embedded()
            case .mixture2d: Self.mixturePoints
            case .file(let path) where labels.isEmpty: try DigitsRecords.read(path: path)
            case .file(let path):
                try IDXRecords.read(
                    images: path, labels: labels, resolution: network.resolution, classes: network.classes)
            }
        let found = (records.height, records.width, records.channels, records.classCount)
        let wanted = (network.resolution, network.resolution, network.imageChannels, network.classes)
        guard found == wanted else {
            func text(_ size: (Int, Int, Int, Int)) -> String {
                "\(size.0)x\(size.1)x\(size.2) images of \(size.3) classes"
            }
            throw DataMismatch(found: text(found), wanted: text(wanted))
        }
        let needed = FrechetDistance.minimumSamples(featureCount: DigitClassifier.featureCount)
        guard records.count >= needed else {
            throw EvaluationError.tooFewSamples(
                count: records.count, needed: needed, features: DigitClassifier.featureCount)
        }
        return records
    }
}

extension TrainingImages {
    /// The images the classifier learns from, and the numbers of those it is tested with, one in five.
    package func splitForClassifier(seed: UInt64) -> (training: TrainingImages, heldOut: [Int]) {
        let split = HeldOutSplit(count: records.count, seed: seed)
        return (TrainingImages(records, seed: seed, members: split.training), split.heldOut)
    }
}
