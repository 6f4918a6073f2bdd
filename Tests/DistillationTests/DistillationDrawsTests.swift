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
        #expect(batch.student.noises[0].elements == parts.flatMap { $0.student.noises[0].elements })
        #expect(batch.labels == parts.flatMap(\.labels))
        for draw in [\DistillationDraws.matching, \.studentGAN, \.critic, \.realGAN, \.fakeGAN] {
            #expect(batch[keyPath: draw]?.indices == parts.flatMap { $0[keyPath: draw]?.indices ?? [] })
            #expect(batch[keyPath: draw]?.noise.elements == parts.flatMap { $0[keyPath: draw]?.noise.elements ?? [] })
        }
    }

    @Test("A step's kind decides what is drawn, and changes nothing that is drawn in both")
    func kinds() {
        let both = TinyNetworks.draws(samples: 0..<4)
        let criticOnly = TinyNetworks.draws(samples: 0..<4, updatesStudent: false)
        #expect(both.matching != nil && both.studentGAN != nil)
        #expect(criticOnly.matching == nil && criticOnly.studentGAN == nil)
        #expect(criticOnly.student.noises.map(\.elements) == both.student.noises.map(\.elements))
        #expect(criticOnly.critic?.indices == both.critic?.indices)
        #expect(criticOnly.fakeGAN?.noise.elements == both.fakeGAN?.noise.elements)
    }

    @Test("Every draw of a step comes from a stream of its own")
    func independence() {
        let draws = TinyNetworks.draws(samples: 0..<4)
        let noises =
            draws.student.noises
            + [draws.critic, draws.matching, draws.studentGAN, draws.realGAN, draws.fakeGAN].compactMap { $0?.noise }
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
        let critic = draws.critic?.indices ?? []
        #expect(critic.contains { $0 < 10 } && critic.contains { $0 >= 990 })
        #expect(critic.allSatisfy { (0...999).contains($0) })
    }
}
