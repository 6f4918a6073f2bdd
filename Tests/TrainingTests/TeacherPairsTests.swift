import Distillation
import Tensors
import Testing
import Training

struct TeacherPairsTests {
    private static let shape = [1, 2, 1]
    /// Image i holds i.
    private let pairs = TeacherPairs(
        images: Tensor((0..<7).flatMap { [Float($0), Float($0)] }, Shape([7] + shape)), classes: 3, seed: 5)

    @Test("A drawn pair is one pair's noise, image and label")
    func together() {
        let drawn = pairs.draw(64, seed: 9, step: 2, firstSample: 0)
        var seen: Set<Int> = []
        for n in 0..<64 {
            let pair = Int(drawn.images.samples(n..<n + 1).elements[0])
            let noise = TeacherPairs.noise(0..<7, shape: Self.shape, seed: 5).samples(pair..<pair + 1)
            #expect(drawn.noise.samples(n..<n + 1).elements == noise.elements)
            #expect(drawn.labels[n] == pair % 3)
            seen.insert(pair)
        }
        // 64 draws miss a given one of seven with probability 5e-5.
        #expect(seen == Set(0..<7))
    }

    @Test("The draws of a batch are those of its shards, and each step has its own")
    func keyed() {
        let batch = pairs.draw(8, seed: 9, step: 2, firstSample: 16)
        let parts = [16, 20].map { pairs.draw(4, seed: 9, step: 2, firstSample: $0) }
        #expect(batch.images.elements == parts.flatMap(\.images.elements))
        #expect(batch.noise.elements == parts.flatMap(\.noise.elements))
        #expect(pairs.draw(8, seed: 9, step: 3, firstSample: 16).images.elements != batch.images.elements)
        #expect(pairs.draw(8, seed: 8, step: 2, firstSample: 16).images.elements != batch.images.elements)
    }
}
