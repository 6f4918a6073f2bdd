package import Datasets
package import Tensors

/// The data set as the stages read it: which image every sample of every step is, and batches of them.
package struct TrainingImages: Sendable {
    package let records: LabelledImages
    private let order: SampleOrder
    /// The images the order runs over, as indices into the records.
    private let members: [Int]

    /// All images, or the given ones, in the order of the seed.
    package init(_ records: LabelledImages, seed: UInt64, members: [Int]? = nil) {
        self.records = records
        self.members = members ?? Array(records.labels.indices)
        order = SampleOrder(seed: seed, count: self.members.count)
    }

    /// The images of an epoch.
    package var count: Int { members.count }

    /// The shape of `count` images.
    package func shape(_ count: Int) -> Shape { Shape(count, records.height, records.width, records.channels) }

    /// The samples `first..<first + count` of the run's endless sequence, each image once an epoch.
    package func batch(first: Int, count: Int) -> (images: Tensor, labels: [Int]) {
        gather((first..<first + count).map { members[order.sample(at: $0).index] })
    }

    /// The given images.
    package func gather(_ indices: [Int]) -> (images: Tensor, labels: [Int]) {
        let images = Tensor(uninitialized: shape(indices.count))
        let count = images.shape.countPerSample
        records.pixels.withUnsafeBufferPointer { pixels in
            for (n, index) in indices.enumerated() {
                let source = UnsafeBufferPointer(rebasing: pixels[index * count..<(index + 1) * count])
                _ = UnsafeMutableBufferPointer(rebasing: images.buffer[n * count..<(n + 1) * count])
                    .update(fromContentsOf: source)
            }
        }
        return (images, indices.map { records.labels[$0] })
    }
}
