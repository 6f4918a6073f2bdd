import Diffusion
import Distillation
import Tensors
import Testing

@Suite
struct DistillationDrawsTests {
    @Test("The draws of a batch are those of its shards, in order")
    func shards() {
        let batch = TinyNetworks.draws(samples: 16..<24)
        let parts = [TinyNetworks.draws(samples: 16..<20), TinyNetworks.draws(samples: 20..<24)]
        #expect(batch.studentNoise.elements == parts.flatMap(\.studentNoise.elements))
        #expect(batch.labels == parts.flatMap(\.labels))
        for draw in [\DistillationDraws.matching, \.studentGAN, \.realGAN, \.fakeGAN] {
            #expect(batch[keyPath: draw]?.indices == parts.flatMap { $0[keyPath: draw]?.indices ?? [] })
            #expect(batch[keyPath: draw]?.noise.elements == parts.flatMap { $0[keyPath: draw]?.noise.elements ?? [] })
        }
        #expect(batch.critic.indices == parts.flatMap(\.critic.indices))
        #expect(batch.critic.noise.elements == parts.flatMap(\.critic.noise.elements))
    }

    @Test("A step's kind decides what is drawn, and changes nothing that is drawn in both")
    func kinds() {
        let both = TinyNetworks.draws(samples: 0..<4)
        let criticOnly = TinyNetworks.draws(samples: 0..<4, updatesStudent: false)
        #expect(both.matching != nil && both.studentGAN != nil)
        #expect(criticOnly.matching == nil && criticOnly.studentGAN == nil)
        #expect(criticOnly.studentNoise.elements == both.studentNoise.elements)
        #expect(criticOnly.critic.indices == both.critic.indices)
        #expect(criticOnly.fakeGAN?.noise.elements == both.fakeGAN?.noise.elements)
    }

    @Test("Without GAN weights the head has no draws")
    func withoutGAN() {
        var configuration = DistillationConfiguration()
        (configuration.ganWeight, configuration.criticGanWeight) = (0, 0)
        let shape = Shape(2, 8, 8, 1)
        let draws = DistillationDraws(
            configuration, imageShape: shape, classes: 10, seed: 1, step: 0, firstSample: 0,
            realImages: Tensor(repeating: 0, shape), realLabels: [0, 1], updatesStudent: true)
        #expect(draws.studentGAN == nil && draws.realGAN == nil && draws.fakeGAN == nil)
        #expect(draws.matching != nil)
    }

    @Test("Every draw of a step comes from a stream of its own")
    func independence() {
        let draws = TinyNetworks.draws(samples: 0..<4)
        let noises =
            [draws.studentNoise, draws.critic.noise]
            + [draws.matching, draws.studentGAN, draws.realGAN, draws.fakeGAN].compactMap { $0?.noise }
        #expect(noises.count == 6)
        #expect(Set(noises.map(\.elements)).count == noises.count)
    }

    @Test("Matching indices keep to the configured range, the critic's reach over all levels")
    func ranges() {
        let configuration = DistillationConfiguration()
        let draws = TinyNetworks.draws(samples: 0..<4096)
        let matching = draws.matching?.indices ?? []
        #expect(matching.allSatisfy { (configuration.minIndex...configuration.maxIndex).contains($0) })
        // 4,096 draws miss the outer 1% of 1,000 levels with probability 1e-18.
        #expect(draws.critic.indices.contains { $0 < 10 } && draws.critic.indices.contains { $0 >= 990 })
        #expect(draws.critic.indices.allSatisfy { (0...999).contains($0) })
    }
}
