package import Checkpoints
import Diffusion
import Distillation
package import Evaluation
import Layers
package import Tensors

/// Images of an exported student.
///
/// Image i begins from the noise that number i has under the seed, so the first images of the run's own seed, with the
/// labels in turn, are those that its evaluation judged, and the batch size changes nothing.
package struct StudentSamples {
    /// Values in about -1...1. Shape: `[N, H, W, C]`.
    package let images: Tensor
    /// Shape: `[N]`.
    package let labels: [Int]
    /// Network calls of an image.
    package let networkCalls: Int

    private let metadata: [String: String]
    private let network: NetworkConfiguration

    /// Makes an image for each label, a batch at a time, and says after each how many there are.
    ///
    /// Throws `CheckpointError.mismatch` if the weights are not those of the configured network.
    /// Traps: if there is no label, or one is not in 0..<classes.
    package init(
        _ export: WeightsExport, configuration: RunConfiguration, labels: [Int], seed: UInt64, batch: Int,
        report: (Int) -> Void = { _ in }
    ) throws(CheckpointError) {
        network = configuration.network
        let classes = network.classes
        precondition(!labels.isEmpty && labels.allSatisfy { (0..<classes).contains($0) }, "labels \(labels)")
        let denoiser = Denoiser(network)
        let student = try export.network(denoiser.layout).copied(
            precision: configuration.precision.onThisProcessor.student)
        let sampler = StudentSampler(
            denoiser: denoiser, sigmas: configuration.distil.studentSigmas.map { Float($0) })
        let images = Tensor(uninitialized: denoiser.shape(labels.count))
        for start in stride(from: 0, to: labels.count, by: batch) {
            let range = start..<min(labels.count, start + batch)
            let made = sampler.sample(student, labels: Array(labels[range])) { number in
                RandomStream(seed: seed, purpose: .evaluationNoise, draw: number)
                    .normal(denoiser.shape(range.count), step: 0, firstSample: range.lowerBound)
            }
            _ = images.samples(range).buffer.update(fromContentsOf: made.buffer)
            report(range.upperBound)
        }
        self.images = images
        self.labels = labels
        networkCalls = sampler.networkCalls
        metadata = export.metadata.merging(["seed": String(seed)]) { $1 }
    }

    /// The images as a picture: a row for each label, or points in the plane.
    package var picture: Raster {
        guard !network.isOfPoints else { return ScatterPlot().draw([images.elements]) }
        let shown = Set(labels).sorted()
        let rows = labels.map { label in shown.firstIndex(of: label) ?? 0 }
        let columns = Dictionary(grouping: rows) { $0 }.values.map(\.count).max() ?? 1
        return ImageGrid(columns: columns).draw(
            images.elements, labels: rows, rows: shown.count, height: images.shape[1], width: images.shape[2],
            channels: images.shape[3])
    }

    /// Writes `images` `[N, C, H, W]` and `labels` `[N]`, float32, to a safetensors file, whole or not at all.
    package func writeTensors(to path: String) throws(CheckpointError) {
        let (images, labels) = (channelsFirst(images), Tensor(labels.map(Float.init), Shape(labels.count)))
        let views = [("images", images), ("labels", labels)].map { name, value in
            TensorView(name: name, shape: value.shape.list, elements: UnsafeBufferPointer(value.buffer))
        }
        _ = try withExtendedLifetime((images, labels)) { () throws(CheckpointError) in
            try SafetensorsFile.replace(path, by: views, metadata: metadata)
        }
    }
}
