import Datasets
import Testing

/// The bytes of an IDX file of unsigned bytes.
private func idx(_ sizes: [Int], _ values: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(sizes.count)]
        + sizes.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } } + values
}

private func decode(
    _ images: [UInt8], _ labels: [UInt8], resolution: Int, classes: Int = 10
) throws -> LabelledImages {
    try IDXRecords.decode(
        images: images, labels: labels, sources: ("images", "labels"), resolution: resolution, classes: classes)
}

struct IDXRecordsTests {
    @Test("A pixel is the mean over its box, and 0...255 becomes -1...1")
    func mean() throws {
        let image: [UInt8] = [0, 51, 255, 255, 102, 255, 0, 0, 255, 255, 0, 0, 0, 255, 0, 255]
        let records = try decode(idx([1, 4, 4], image), idx([1], [7]), resolution: 2)
        // Means 102, 127.5, 191.25 and 63.75; divided by 127.5, minus 1.
        for (value, expected) in zip(records.pixels, [-0.2, 0, 0.5, -0.5] as [Float]) {
            #expect(abs(value - expected) < 1e-6)
        }
        #expect(records.labels == [7] && records.classCount == 10 && records.channels == 1)
        #expect(records.height == 2 && records.width == 2)
    }

    /// An image of 28x28 with one bright pixel.
    private func dot(_ y: Int, _ x: Int) -> [UInt8] {
        var image = [UInt8](repeating: 0, count: 28 * 28)
        image[y * 28 + x] = 255
        return image
    }

    @Test("28x28 is padded to 32x32 around its middle for a resolution of 16 or 32, and stays as it is for 28")
    func padding() throws {
        let images = idx([2, 28, 28], dot(0, 0) + dot(27, 27))
        let labels = idx([2], [1, 2])
        // Padded by 2 all round: the corners are pixels (2, 2) and (29, 29) of 32, in boxes (1, 1) and (14, 14) of 16.
        let half = try decode(images, labels, resolution: 16)
        #expect(half.image(0).enumerated().filter { $0.element > -1 }.map(\.offset) == [16 + 1])
        #expect(half.image(1).enumerated().filter { $0.element > -1 }.map(\.offset) == [14 * 16 + 14])
        // 255 over a box of four is 63.75.
        #expect(half.image(0)[17] == -0.5)
        let whole = try decode(images, labels, resolution: 32)
        #expect(whole.image(1).enumerated().filter { $0.element > -1 }.map(\.offset) == [29 * 32 + 29])
        let same = try decode(images, labels, resolution: 28)
        #expect(same.image(0)[0] == 1 && same.image(0).dropFirst().allSatisfy { $0 == -1 })
    }

    @Test("An image that is not square is padded on its shorter side, an odd pixel after it")
    func oblong() throws {
        // 1 x 3 becomes 4 x 4 for a resolution of 2: one row above it, two below, one column after it.
        let records = try decode(idx([1, 1, 3], [255, 255, 255]), idx([1], [0]), resolution: 2)
        #expect(records.pixels == [0, -0.5, -1, -1])
    }

    @Test("Four dimensions are images of several channels")
    func colour() throws {
        let values: [UInt8] = [255, 0, 51] + [255, 0, 51] + [255, 0, 51] + [255, 0, 51]
        let records = try decode(idx([1, 2, 2, 3], values), idx([1], [0]), resolution: 1)
        #expect(records.channels == 3)
        for (value, expected) in zip(records.pixels, [1, -1, -0.6] as [Float]) { #expect(abs(value - expected) < 1e-6) }
    }

    @Test("Either file may be gzipped")
    func compressed() throws {
        let (images, labels) = (idx([2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]), idx([2], [3, 9]))
        let plain = try decode(images, labels, resolution: 2)
        #expect(try decode(gzipFile(images), gzipFile(labels), resolution: 2) == plain)
        #expect(try decode(images, gzipFile(labels), resolution: 2) == plain)
    }

    static let images = idx([3, 2, 2], Array(0..<12))
    static let labels = idx([3], [0, 1, 2])

    @Test(
        "What is no pair of sound IDX files is refused in one line that names the file",
        arguments: [
            ([], labels, DatasetError.notIDX(source: "images", start: "nothing", dimensions: 3...4)),
            (labels, labels, .notIDX(source: "images", start: "0 0 8 1", dimensions: 3...4)),
            (images, images, .notIDX(source: "labels", start: "0 0 8 3", dimensions: 1...1)),
            (
                [0, 0, 13, 3] + images.dropFirst(4), labels,
                .notIDX(source: "images", start: "0 0 13 3", dimensions: 3...4)
            ),
            (Array("P5 2".utf8), labels, .notIDX(source: "images", start: "80 53 32 50", dimensions: 3...4)),
            (Array(images.prefix(15)), labels, .truncatedFile(source: "images", byteCount: 15)),
            (Array(images.dropLast()), labels, .truncatedFile(source: "images", byteCount: 27)),
            (images, Array(labels.prefix(9)), .truncatedFile(source: "labels", byteCount: 9)),
            (images + [0], labels, .excess(source: "images", byteCount: 1)),
            (idx([0, 2, 2], []), labels, .empty(source: "images")),
            (
                images, idx([2], [0, 1]),
                .countsDiffer(images: "images", imageCount: 3, labels: "labels", labelCount: 2)
            ),
            (images, idx([3], [0, 10, 2]), .labelOutOfRange(source: "labels", record: 2, label: 10, classes: 10)),
        ] as [([UInt8], [UInt8], DatasetError)])
    func refusals(images: [UInt8], labels: [UInt8], expected: DatasetError) {
        #expect(throws: expected) { try decode(images, labels, resolution: 2) }
        #expect(!expected.description.contains("\n"))
    }

    @Test("Sizes whose product no integer holds are a truncated file's")
    func hugeSizes() {
        let huge = idx([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [])
        #expect(throws: DatasetError.truncatedFile(source: "images", byteCount: 16)) {
            try decode(huge, Self.labels, resolution: 2)
        }
    }

    @Test("Compressed data that ends early or contradicts its checksum is refused")
    func damagedCompression() {
        let whole = gzipFile(Self.images)
        for count in [11, 17, 30, whole.count - 1] {
            #expect(throws: DatasetError.self) { try decode(Array(whole.prefix(count)), Self.labels, resolution: 2) }
        }
        var flipped = whole
        // A value inside the stored block.
        flipped[whole.count - 10] ^= 1
        #expect(throws: DatasetError.corruptFile(source: "images")) {
            try decode(flipped, Self.labels, resolution: 2)
        }
    }

    @Test("Images without their labels are told apart from a csv file")
    func labelsNotNamed() {
        for file in [Self.images, gzipFile(Self.images)] {
            #expect(throws: DatasetError.labelsNotNamed(source: "x")) { try DigitsRecords.decode(file, source: "x") }
        }
    }

    @Test("A missing file is named")
    func missing() {
        #expect(throws: DatasetError.unreadable(path: "/no/images", reason: "No such file or directory")) {
            try IDXRecords.read(images: "/no/images", labels: "/no/labels", resolution: 16, classes: 10)
        }
    }
}
