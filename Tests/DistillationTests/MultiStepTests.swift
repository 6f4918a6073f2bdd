import Diffusion
import Distillation
import Layers
import Tensors
import Testing

/// Students of several steps: which call a step trains, and what it starts from.
@Suite
struct MultiStepTests {
    private static var threeSteps: DistillationConfiguration {
        var configuration = DistillationConfiguration()
        configuration.studentSigmas = [5, 1.2, 0.4]
        return configuration
    }

    private static var onRealData: DistillationConfiguration {
        var configuration = threeSteps
        configuration.studentInput = .noisedData
        return configuration
    }

    /// A step whose draws train call `call`.
    private static func step(
        training call: Int, _ configuration: DistillationConfiguration = threeSteps
    ) throws -> Int {
        try #require(
            (0..<100).first { TinyNetworks.draws(configuration, step: $0, samples: 0..<1).student.call == call })
    }

    @Test("A step trains one call, the same for every sample, and each call about equally often")
    func calls() {
        var counts = [0, 0, 0]
        for step in 0..<300 {
            let calls = [0, 1, 7, 1000].map {
                TinyNetworks.draws(Self.threeSteps, step: step, samples: $0..<$0 + 1).student.call
            }
            #expect(Set(calls).count == 1)
            counts[calls[0]] += 1
        }
        // 300 fair draws of three have a standard deviation of 8; five of them.
        #expect(counts.allSatisfy { abs($0 - 100) < 41 }, "\(counts)")
    }

    @Test("The draws of a rollout are those of its shards, in order, and all differ")
    func draws() throws {
        let step = try Self.step(training: 2)
        let batch = TinyNetworks.draws(Self.threeSteps, step: step, samples: 16..<24)
        let parts = [16..<20, 20..<24].map { TinyNetworks.draws(Self.threeSteps, step: step, samples: $0) }
        #expect(batch.student.noises.count == 3)
        for (number, noise) in batch.student.noises.enumerated() {
            #expect(noise.elements == parts.flatMap { $0.student.noises[number].elements })
        }
        #expect(Set(batch.student.noises.map(\.elements)).count == 3)
    }

    @Test("The input of each call is what the calls before it make, noised to its level, by hand")
    func inputs() throws {
        for call in 0..<3 {
            let tiny = TinyNetworks(Self.threeSteps, step: try Self.step(training: call))
            let noises = tiny.draws.student.noises
            #expect(noises.count == call + 1)
            func denoised(_ x: Tensor, _ sigma: Float) -> Tensor {
                tiny.step.denoiser(
                    Variable(x), sigma: [Float](repeating: sigma, count: 4), labels: tiny.draws.labels,
                    .frozen(tiny.networks.student)
                ).value
            }
            func sum(_ x: Tensor, _ sigma: Float, _ noise: Tensor) -> Tensor {
                Tensor(zip(x.elements, noise.elements).map { $0 + sigma * $1 }, x.shape)
            }
            var expected = Tensor(noises[0].elements.map { 5 * $0 }, noises[0].shape)
            if call > 0 { expected = sum(denoised(expected, 5), 1.2, noises[1]) }
            if call > 1 { expected = sum(denoised(expected, 1.2), 0.4, noises[2]) }
            let input = tiny.step.studentInput(tiny.draws, tiny.networks.student)
            // The sum may be rounded once or twice, in units of the largest of the input's terms.
            let worst = zip(input.elements, expected.elements).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(worst <= (call == 0 ? 0 : 1e-5), "call \(call): \(worst)")
            let images = tiny.step.images(tiny.draws, tiny.networks)
            #expect(images.elements == denoised(input, [5, 1.2, 0.4][call]).elements)
        }
    }

    @Test("Under backward simulation the input does not see the real images; under noised data it does")
    func realImages() throws {
        func changed(_ configuration: DistillationConfiguration, call: Int) throws -> Bool {
            let tiny = TinyNetworks(configuration, step: try Self.step(training: call, configuration))
            var other = tiny.draws
            other.realImages = Tensor(repeating: 0.5, other.realImages.shape)
            return tiny.step.studentInput(other, tiny.networks.student).elements
                != tiny.step.studentInput(tiny.draws, tiny.networks.student).elements
        }
        for call in 0..<3 {
            #expect(try !changed(Self.threeSteps, call: call))
            // The first call starts from pure noise in both.
            #expect(try changed(Self.onRealData, call: call) == (call > 0))
        }
    }

    @Test("Noised data is the real image plus the call's level of noise, under the image's own label")
    func noisedData() throws {
        let tiny = TinyNetworks(Self.onRealData, step: try Self.step(training: 1, Self.onRealData))
        #expect(tiny.draws.labels == tiny.draws.realLabels)
        let noise = tiny.draws.student.noises[0].elements
        let input = tiny.step.studentInput(tiny.draws, tiny.networks.student).elements
        for (index, value) in input.enumerated() {
            // One rounding of numbers below 8.
            #expect(abs(value - (tiny.draws.realImages.elements[index] + 1.2 * noise[index])) <= 1e-6)
        }
    }

    @Test("No gradient flows into the rollout: the slope agrees with the input held fixed, and only then")
    func rolloutIsConstant() throws {
        let tiny = TinyNetworks(Self.threeSteps, step: try Self.step(training: 1))
        let gradient = Tensor(repeating: 0, tiny.networks.student.values.shape)
        let base = tiny.step.studentGradient(tiny.draws, tiny.networks, gradient: gradient)
        let direction = try #require(base.matching).direction
        let target = zip(base.images.elements, direction.elements).map { Double($0) - Double($1) }
        let input = tiny.step.studentInput(tiny.draws, tiny.networks.student)
        checkSlopes(
            of: tiny.networks.student, gradient,
            names: ["model.enc.8x8_conv.weight", "model.dec.8x8_block1.conv1.weight", "model.out_conv.bias"]
        ) { tiny.studentLoss(input: input, target: target, $0) }

        let moving = relativeSlope(of: tiny.networks.student, gradient, "model.out_conv.bias") {
            tiny.studentLoss(input: tiny.step.studentInput(tiny.draws, $0), target: target, $0)
        }
        // What the rollout would add is a multiple of the tolerance of the check before.
        #expect(try abs(#require(moving) - 1) > 0.02, "\(moving ?? 0)")
    }
}
