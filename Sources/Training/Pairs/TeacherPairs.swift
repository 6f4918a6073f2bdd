import Diffusion
package import Distillation
package import Tensors

/// The pairs of noise and the teacher's image that the regression loss draws from.
///
/// Pair i has unit noise of number i, label i mod classes, and the image that the teacher's deterministic sampler makes of
/// the student's first noise level times that noise.
package struct TeacherPairs {
    private let images: Tensor
    private let classes: Int
    private let seed: UInt64

    /// `images` `[count, H, W, C]` in the order of the pairs.
    package init(images: Tensor, classes: Int, seed: UInt64) {
        (self.images, self.classes, self.seed) = (images, classes, seed)
    }

    /// The unit noise of the pairs `range`, `[n, H, W, C]`; `shape` is one image's.
    package static func noise(_ range: Range<Int>, shape: [Int], seed: UInt64) -> Tensor {
        RandomStream(seed: seed, purpose: .pairNoise)
            .normal(Shape([range.count] + shape), step: 0, firstSample: range.lowerBound)
    }

    /// The label of a pair.
    package static func label(_ pair: Int, classes: Int) -> Int { pair % classes }

    /// The pairs of the samples from `firstSample` on of a step, drawn with replacement by (seed, step, sample); `seed` is
    /// the draws', not the pairs'.
    package func draw(_ count: Int, seed drawSeed: UInt64, step: Int, firstSample: Int) -> NoiseImagePairs {
        let stream = RandomStream(seed: drawSeed, purpose: .pairIndex)
        let pairs = (0..<count).map {
            stream.integer(in: 0...images.shape[0] - 1, step: step, sample: firstSample + $0)
        }
        let shape = Array(images.shape.list.dropFirst())
        let drawn = NoiseImagePairs(
            noise: Tensor(uninitialized: Shape([count] + shape)), images: Tensor(uninitialized: Shape([count] + shape)),
            labels: pairs.map { Self.label($0, classes: classes) })
        for (n, pair) in pairs.enumerated() {
            let noise = Self.noise(pair..<pair + 1, shape: shape, seed: seed)
            _ = drawn.noise.samples(n..<n + 1).buffer.update(fromContentsOf: noise.buffer)
            _ = drawn.images.samples(n..<n + 1).buffer.update(fromContentsOf: images.samples(pair..<pair + 1).buffer)
        }
        return drawn
    }
}
