import Diffusion
import Distillation

/// A measurement as one JSON object; the names are the PyTorch peer's, and what that one can switch on and we have not is
/// false.
package struct CycleBenchmarkLine: Encodable, Sendable {
    let framework = "swift-dmd2"
    let ranks = 1
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
    let bf16 = false
    let compile = false
    let channels_last = true

    package init(_ configuration: RunConfiguration, cycles: Int, _ measured: CycleBenchmark.Measurement) {
        let network = configuration.network
        seconds_per_cycle = measured.secondsPerCycle
        critic_images_per_second =
            Double(configuration.distil.ratio * configuration.distil.batch) / measured.secondsPerCycle
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
        ratio = configuration.distil.ratio
        self.cycles = cycles
    }
}
