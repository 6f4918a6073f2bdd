package import Checkpoints
import Diffusion
import Distillation
import Layers
import Tensors

/// A few inputs of an exported network and what it makes of them, so that another implementation can be compared.
///
/// The file has, images as `[N, C, H, W]` and all of it float32: `x`, `sigma` `[N]` and `labels` `[N]`, the inputs;
/// `bottleneck`, the output of the encoder; `denoised`; and of a critic `logits` `[N, heads]`. Computed in float32, whatever
/// the run's precision.
package struct DenoisingExample {
    private var tensors: [(name: String, value: Tensor)]
    private let metadata: [String: String]

    /// Noise levels from nearly clean to the noise that sampling begins with; one image for each.
    private static let sigma: [Float] = [0.01, 0.2, 1, 2.5, 10, 80]

    /// Computes the example. Throws `CheckpointError.mismatch` if the weights are not those of the configured network.
    package init(_ export: WeightsExport, configuration: RunConfiguration) throws(CheckpointError) {
        let denoiser = Denoiser(configuration.network)
        let critic = CriticNetwork(denoiser, configuration.distil)
        let weights = try export.network(export.role == .critic ? critic.layout : denoiser.layout)
        let sigma = Self.sigma
        let labels = sigma.indices.map { $0 % configuration.network.classes }
        let sigmaData = Float(configuration.network.sigmaData)
        let noise = RandomStream(seed: configuration.run.seed, purpose: .exportExample)
            .normal(denoiser.shape(sigma.count), step: 0, firstSample: 0)
        // As wide as a noised image of the data's deviation.
        let x = scale(Variable(noise), bySample: sigma.map { ($0 * $0 + sigmaData * sigmaData).squareRoot() })
        tensors = [
            ("x", channelsFirst(x.value)), ("sigma", Tensor(sigma, Shape(sigma.count))),
            ("labels", Tensor(labels.map(Float.init), Shape(labels.count))),
            (
                "bottleneck",
                channelsFirst(denoiser.bottleneck(x, sigma: sigma, labels: labels, .frozen(weights)).value)
            ),
            ("denoised", channelsFirst(denoiser(x, sigma: sigma, labels: labels, .frozen(weights)).value)),
        ]
        if export.role == .critic {
            tensors.append(("logits", critic.logits(x, sigma: sigma, labels: labels, .frozen(weights)).value))
        }
        metadata = export.metadata
    }

    /// Writes the file, whole or not at all.
    package func write(to path: String) throws(CheckpointError) {
        let views = tensors.map {
            TensorView(name: $0.name, shape: $0.value.shape.list, elements: UnsafeBufferPointer($0.value.buffer))
        }
        _ = try SafetensorsFile.replace(path, by: views, metadata: metadata)
    }
}
