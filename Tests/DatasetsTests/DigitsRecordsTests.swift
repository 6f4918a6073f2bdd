import Datasets
import Foundation
import Testing

struct DigitsRecordsTests {
    /// The embedded file, as a file.
    static let original = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Datasets/Resources/digits.csv.gz").path

    @Test("The embedded digits are 1,797 images of 8 x 8 in ten classes, in -1...1")
    func embedded() throws {
        let digits = try DigitsRecords.embedded()
        #expect(digits.count == 1797 && digits.height == 8 && digits.width == 8 && digits.channels == 1)
        #expect(digits.classCount == 10 && Set(digits.labels) == Set(0..<10))
        #expect(digits.pixels.min() == -1 && digits.pixels.max() == 1)
        // The first row of the file: 0,0,5,13,9,1,0,0,... and the label 0.
        #expect(Array(digits.image(0).prefix(6)) == [-1, -1, -0.375, 0.625, 0.125, -0.875])
        #expect(digits.labels.prefix(3) == [0, 1, 2])
    }

    @Test("A file gives the same images as the embedded copy of it")
    func file() throws {
        #expect(try DigitsRecords.read(path: Self.original) == DigitsRecords.embedded())
    }

    @Test("A selection keeps images and labels together")
    func selection() throws {
        let digits = try DigitsRecords.embedded()
        let two = digits.selecting([1000, 3])
        #expect(two.labels == [digits.labels[1000], digits.labels[3]])
        #expect(two.image(1) == digits.image(3)[...] && two.image(0).elementsEqual(digits.image(1000)))
    }

    @Test("A missing file is named, with the cure, in one line")
    func missing() {
        expectError(containing: ["/no/such.csv.gz", "data.source", "No such file"]) {
            try DigitsRecords.read(path: "/no/such.csv.gz")
        }
    }

    @Test("A file that is not gzip is refused", arguments: [[], Array("0,1,2\n".utf8)] as [[UInt8]])
    func notGzip(bytes: [UInt8]) {
        expectError(.notGzip(source: "x")) { try DigitsRecords.decode(bytes, source: "x") }
    }

    @Test("A truncated file is refused with the number of rows that are complete")
    func truncated() throws {
        let whole = [UInt8](try Data(contentsOf: URL(filePath: Self.original)))
        for count in [2, 9, 100, whole.count / 2, whole.count - 9, whole.count - 1] {
            expectError(containing: ["truncated after row"]) {
                try DigitsRecords.decode(Array(whole.prefix(count)), source: "x")
            }
        }
        expectError(.truncated(source: "x", completeRows: 1797)) {
            try DigitsRecords.decode(Array(whole.dropLast()), source: "x")
        }
    }

    @Test("A flipped byte is detected")
    func flipped() throws {
        let whole = [UInt8](try Data(contentsOf: URL(filePath: Self.original)))
        for offset in stride(from: 1000, to: whole.count, by: 9973) {
            var damaged = whole
            damaged[offset] ^= 4
            #expect(throws: DatasetError.self) { try DigitsRecords.decode(damaged, source: "x") }
        }
    }

    static let row = Array(repeating: "3", count: 64)

    @Test("A row with a column too few or too many is named")
    func columns() {
        let rows = [Self.row + ["1"], Self.row]
        expectError(.wrongColumnCount(source: "x", row: 2, count: 64, expected: 65)) {
            try DigitsRecords.decode(gzip(rows), source: "x")
        }
    }

    @Test("A value outside its range, or no number, is named", arguments: ["17", "-1", "", "a", "1.5"])
    func values(text: String) {
        var row = Self.row + ["1"]
        row[4] = text
        expectError(.badValue(source: "x", row: 1, column: 5, text: text, range: 0...16)) {
            try DigitsRecords.decode(gzip([row]), source: "x")
        }
    }

    @Test("A label outside 0...9 is named")
    func label() {
        expectError(.badValue(source: "x", row: 1, column: 65, text: "10", range: 0...9)) {
            try DigitsRecords.decode(gzip([Self.row + ["10"]]), source: "x")
        }
    }

    @Test("A file without rows is refused")
    func empty() {
        expectError(.empty(source: "x")) { try DigitsRecords.decode(gzip([]), source: "x") }
    }

    @Test("Gzip files one after another are one file, and what follows must be gzip too")
    func members() throws {
        let two = gzip([Self.row + ["7"]]) + gzip([Self.row + ["8"]])
        #expect(try DigitsRecords.decode(two, source: "x").labels == [7, 8])
        expectError(.corrupt(source: "x", completeRows: 2)) { try DigitsRecords.decode(two + [1, 2, 3], source: "x") }
    }

    @Test("Windows line ends are accepted")
    func lineEnds() throws {
        #expect(try DigitsRecords.decode(gzip([Self.row + ["7\r"]]), source: "x").labels == [7])
    }

    private func expectError(
        _ expected: DatasetError, sourceLocation: SourceLocation = #_sourceLocation,
        from body: () throws -> LabelledImages
    ) {
        #expect(throws: expected, sourceLocation: sourceLocation, performing: body)
        #expect(!expected.description.contains("\n"), sourceLocation: sourceLocation)
    }

    private func expectError(
        containing parts: [String], sourceLocation: SourceLocation = #_sourceLocation,
        from body: () throws -> LabelledImages
    ) {
        let error = #expect(throws: DatasetError.self, sourceLocation: sourceLocation, performing: body)
        let text = error?.description ?? ""
        for part in parts { #expect(text.contains(part), sourceLocation: sourceLocation) }
        #expect(!text.contains("\n"), sourceLocation: sourceLocation)
    }
}

/// Rows as a gzip file.
private func gzip(_ rows: [[String]]) -> [UInt8] {
    gzipFile(Array(rows.map { $0.joined(separator: ",") + "\n" }.joined().utf8))
}
