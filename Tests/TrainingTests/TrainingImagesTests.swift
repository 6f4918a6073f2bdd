import Datasets
import Tensors
import Testing
import Training

struct TrainingImagesTests {
    /// Image n has value n in all its pixels and label n mod 10.
    private let records = LabelledImages(
        pixels: (0..<23).flatMap { [Float](repeating: Float($0), count: 4) }, labels: (0..<23).map { $0 % 10 },
        height: 2, width: 2, channels: 1, classCount: 10)

    private func numbers(_ images: TrainingImages, first: Int, count: Int) -> [Int] {
        images.batch(first: first, count: count).images.elements.enumerated()
            .filter { $0.offset.isMultiple(of: 4) }.map { Int($0.element) }
    }

    @Test("Every epoch has each image once, and no two epochs the same order")
    func epochs() {
        let images = TrainingImages(records, seed: 1)
        let first = numbers(images, first: 0, count: 23)
        let second = numbers(images, first: 23, count: 23)
        #expect(first.sorted() == Array(0..<23))
        #expect(second.sorted() == Array(0..<23))
        #expect(first != second)
    }

    @Test("The shards of a batch are its consecutive parts", arguments: [1, 2, 4])
    func shards(count: Int) {
        let images = TrainingImages(records, seed: 1)
        let whole = numbers(images, first: 16, count: 8)
        let parts = (0..<count).flatMap { numbers(images, first: 16 + $0 * 8 / count, count: 8 / count) }
        #expect(parts == whole)
    }

    @Test("An image comes with its label")
    func labels() {
        let images = TrainingImages(records, seed: 3)
        #expect(images.batch(first: 5, count: 20).labels == numbers(images, first: 5, count: 20).map { $0 % 10 })
    }

    @Test("Members restrict the sequence to themselves")
    func members() {
        let images = TrainingImages(records, seed: 1, members: [3, 8, 20])
        #expect(numbers(images, first: 3, count: 3).sorted() == [3, 8, 20])
    }

    @Test("The classifier is tested with images it is not trained on")
    func heldOut() {
        let (training, heldOut) = TrainingImages(records, seed: 1).splitForClassifier(seed: 1)
        let seen = Set(numbers(training, first: 0, count: 23 - heldOut.count))
        #expect(!heldOut.isEmpty)
        #expect(seen.isDisjoint(with: heldOut))
        #expect(seen.count + heldOut.count == 23)
    }
}
