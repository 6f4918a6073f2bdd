import Diffusion
import Distillation
import Layers
import Testing
import Training

/// Bytes counted by hand, of one level of 4x4 with 64 channels: one encoder block, four decoder blocks, the first of them
/// with attention. 64 channels of 16 pixels are 1024 elements.
struct MemoryForecastTests {
    private static let configuration: RunConfiguration = {
        var configuration = RunConfiguration(name: "by hand")
        configuration.network = NetworkConfiguration(
            resolution: 4, imageChannels: 1, classes: 2, channels: 64, channelMultipliers: [1],
            channelMultiplierEmbedding: 1, blocks: 1, attentionResolutions: [])
        configuration.distil.batch = 8
        configuration.distil.shards = 4
        configuration.teacher.batch = 8
        configuration.teacher.shards = 4
        configuration.evaluate.batch = 2
        return configuration
    }()
    private static let images = 2

    private func forecast(ranks: Int) -> MemoryForecast {
        MemoryForecast(Self.configuration, ranks: ranks, dataBytes: 1000)
    }

    @Test("The student has weights, two moments and an average, the critic no average, the teacher weights alone")
    func weights() {
        let critic = CriticNetwork(Denoiser(Self.configuration.network), headGroups: 8)
        let (network, withHead) = (4 * critic.denoiser.layout.elementCount, 4 * critic.layout.elementCount)
        let counted = forecast(ranks: 1)
        #expect(counted.bytes(.teacher, .weights) == network)
        #expect(counted.bytes(.student, .weights) == 4 * network)
        #expect(counted.bytes(.critic, .weights) == 3 * withHead)
        // What is saved is copied, each rank its share.
        #expect(forecast(ranks: 2).bytes(.student, .checkpointCopy) == 2 * network)
        #expect(counted.bytes(.critic, .checkpointCopy) == 3 * withHead)
        // One rank adds up four shards on the way: at the last one three partial sums are there. Two ranks have two, and
        // half of the other's one. Four have one, and a quarter of three others'.
        #expect(counted.bytes(.student, .gradients) == 3 * network)
        #expect(forecast(ranks: 2).bytes(.student, .gradients) == 2 * network + network / 2)
        #expect(forecast(ranks: 4).bytes(.student, .gradients) == network + 3 * (network / 4))
    }

    @Test("A layer keeps what it, or the norm before it, reads; a join keeps the stream beside its copy")
    func activations() {
        // Encoder: two convolutions. Decoder: first block two, q k v's input, q k v thrice as wide, the projection's input;
        // second block two; two blocks that join: twice as wide, the stream, the second convolution's input; the last.
        let kept = 2 + (2 + 1 + 3 + 1) + 2 + 2 * (2 + 1 + 1) + 1
        #expect(forecast(ranks: 1).bytes(.student, .activations) == Self.images * 4 * kept * 1024)
        // While the critic judges: two convolutions of the encoder, the head's two; thrice the widest input under way.
        let judged = 2 * 1024 + 1024 + 64
        #expect(forecast(ranks: 1).bytes(.critic, .activations) == Self.images * 4 * (judged + 3 * 2 * 1024))
    }

    @Test("Packed weights fill channels up to 16, once a direction")
    func packed() {
        let (wide, joined) = (64 * 64 * 9, 128 * 64 * 9)
        let denoiser = 64 * 9 + 8 * wide + 2 * joined + 192 * 64 + 64 * 64 + 2 * 128 * 64 + 64 * 9
        #expect(forecast(ranks: 1).bytes(.teacher, .packedWeights) == 4 * denoiser)
        #expect(forecast(ranks: 1).bytes(.student, .packedWeights) == 2 * 4 * denoiser)
        let judge = 64 * 9 + 2 * wide + 64 * 64 * 16 + 64
        #expect(forecast(ranks: 1).bytes(.critic, .packedWeights) == 4 * (denoiser + judge))
    }

    @Test("The sum is all of it, and stages of the same shapes add nothing")
    func total() {
        let counted = forecast(ranks: 1)
        let parts = MemoryForecast.Role.allCases.flatMap { role in
            MemoryForecast.Use.allCases.map { counted.bytes(role, $0) }
        }
        #expect(counted.otherStageBytes == 0)
        #expect(counted.total == parts.reduce(0, +) + MemoryForecast.programBytes + 1000)
        var other = Self.configuration
        other.evaluate.batch = 4
        // The encoder's two outputs and thrice the widest input, of four images.
        #expect(
            MemoryForecast(other, ranks: 1, dataBytes: 0).otherStageBytes == 4 * 4 * (2 * 1024 + 3 * 2 * 1024))
    }

    @Test("A launch that does not fit is refused with both numbers, one that does is not")
    func shortage() throws {
        #expect(MemoryShortage(ranks: 2, rankBytes: 50, machineBytes: 100) == nil)
        let shortage = try #require(MemoryShortage(ranks: 2, rankBytes: 3 << 30, machineBytes: 5 << 30))
        #expect(
            shortage.description.hasPrefix("2 ranks of about 3072 MiB each need 6144 MiB, and the machine has 5120 MiB")
        )
        var small = Self.configuration
        small.launch.memoryGiB = 0.05
        #expect(throws: MemoryShortage.self) { try small.checkMemory(ranksHere: 1, dataBytes: 0) }
        small.launch.memoryGiB = 1
        try small.checkMemory(ranksHere: 1, dataBytes: 0)
    }

    @Test("The machine's memory is the kernel's figure of it")
    func machine() {
        let text = "MemTotal:       24684036 kB\nMemFree: 1 kB\nMemAvailable: 3 kB\n"
        #expect(MachineMemory.bytes(of: "MemTotal", inMeminfo: text) == 24_684_036 * 1024)
        #expect(MachineMemory.bytes(of: "MemAvailable", inMeminfo: text) == 3072)
        #expect(MachineMemory.bytes(of: "MemTotal", inMeminfo: "MemFree: 1 kB\n") == nil)
        #expect(MachineMemory.byteCount ?? 0 > 1 << 28)
        #expect(MachineMemory.availableByteCount ?? .max <= MachineMemory.byteCount ?? 0)
    }
}
