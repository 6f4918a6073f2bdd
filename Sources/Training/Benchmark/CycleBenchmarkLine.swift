import Communication
import Diffusion
import Distillation
import Kernels

/// A measurement as one JSON object; the names are the PyTorch peer's, and what that one can switch on and we have not is
/// false.
package struct CycleBenchmarkLine: Encodable, Sendable {
    let framework = "swift-dmd2"
    let ranks: Int
    /// The parts of a batch, each computed alone, and how their gradients are summed.
    let shards: Int
    let reduction: String
    let seconds_per_cycle: Double
    let critic_images_per_second: Double
    let peak_rss_mib: Int
    let parameters: Int
    let last_critic_loss: Double
    let threads: Int
    let batch: Int
    let resolution: Int
    let channels: Int
    let mult: String
    let blocks: Int
    let attention: String
    let labels: Int
    let ratio: Int
    let cycles: Int
    let warmup: Int
    /// Images that the critic is trained on, a second.
    let images_per_second: Double
    let teraflop_per_cycle: Double
    /// The peak that `share_of_peak` is of, and where it comes from.
    let peak_gflops: Double
    let peak_source: String
    let share_of_peak: Double
    /// Mean seconds of a cycle of rank 0 by kind of operation; they add up to a cycle.
    let seconds_by_operation: [String: Double]
    /// True where all three networks compute in bfloat16.
    let bf16: Bool
    let precision: [String: String]
    let compile = false
    let channels_last = true

    package init(_ configuration: RunConfiguration, cycles: Int, warmup: Int, _ measured: CycleBenchmark.Measurement) {
        let network = configuration.network
        (ranks, shards) = (measured.ranks, measured.shards)
        reduction = configuration.launch.reduction.rawValue
        seconds_per_cycle = measured.secondsPerCycle
        critic_images_per_second =
            Double(configuration.distil.ratio.typical * configuration.distil.batch) / measured.secondsPerCycle
        peak_rss_mib = measured.peakResidentMebibytes
        parameters = measured.parameters
        last_critic_loss = measured.lastCriticLoss
        threads = configuration.launch.threadsPerRank
        batch = configuration.distil.batch
        resolution = network.resolution
        channels = network.channels
        mult = network.channelMultipliers.map(String.init).joined(separator: ",")
        blocks = network.blocks
        attention = network.attentionResolutions.map(String.init).joined(separator: ",")
        labels = network.classes
        ratio = configuration.distil.ratio.typical
        (self.cycles, self.warmup) = (cycles, warmup)
        images_per_second = critic_images_per_second
        teraflop_per_cycle = measured.operationsPerCycle / 1e12
        let roles = configuration.precision
        precision = [
            "teacher": roles.teacher.rawValue, "student": roles.student.rawValue, "critic": roles.critic.rawValue,
        ]
        bf16 = roles == PrecisionConfiguration(all: .bfloat16)
        let peaks = measured.peak
        if bf16, let bfloat16 = peaks.bfloat16_gflops {
            (peak_gflops, peak_source) = (bfloat16, peaks.bfloat16_source)
        } else {
            peak_gflops = peaks.float32_gflops
            peak_source = "float32 multiply-adds from registers, \(threads) threads"
        }
        // The peak is one rank's, measured while the others measure theirs.
        share_of_peak = measured.operationsPerCycle / measured.secondsPerCycle / 1e9 / peak_gflops / Double(ranks)
        var seconds = ["rest": measured.secondsInTheRest, "reduction": measured.secondsInReduction]
        for (kind, value) in measured.secondsByOperation { seconds[Self.name(of: kind)] = value }
        seconds_by_operation = seconds
    }

    private static func name(of kind: OperationProfile.Kind) -> String {
        switch kind {
        case .convolutionForward: "convolution_forward"
        case .convolutionBackwardData: "convolution_backward_data"
        case .convolutionBackwardWeights: "convolution_backward_weights"
        case .packing: "packing"
        case .normalization: "normalisation"
        case .attention: "attention"
        case .matrixProduct: "matrix_product"
        case .elementwise: "elementwise"
        case .optimizer: "optimiser"
        }
    }
}
