/// Images and labels in a pair of IDX files, as MNIST comes: `[N, rows, columns]` for grey images or
/// `[N, rows, columns, channels]`, and `[N]`.
package enum IDXRecords {
    /// Returns the images of two files at a resolution, by the rule of ``BoxAverage``.
    package static func read(
        images: String, labels: String, resolution: Int, classes: Int
    ) throws(DatasetError) -> LabelledImages {
        try decode(
            images: DataFile.bytes(path: images), labels: DataFile.bytes(path: labels),
            sources: (images, labels), resolution: resolution, classes: classes)
    }

    /// Decodes the bytes of both files, of which `sources` are the names in errors. A value v becomes v / 127.5 - 1.
    ///
    /// Throws: if a file is damaged or no IDX file, their counts differ, or a label is not in 0..<classes.
    package static func decode(
        images: [UInt8], labels: [UInt8], sources: (images: String, labels: String), resolution: Int, classes: Int
    ) throws(DatasetError) -> LabelledImages {
        let pictures = try IDXFile(images, source: sources.images, dimensions: 3...4)
        let names = try IDXFile(labels, source: sources.labels, dimensions: 1...1)
        guard pictures.sizes[0] == names.sizes[0] else {
            throw .countsDiffer(
                images: sources.images, imageCount: pictures.sizes[0], labels: sources.labels,
                labelCount: names.sizes[0])
        }
        if let index = names.values.firstIndex(where: { $0 >= classes }) {
            throw .labelOutOfRange(
                source: sources.labels, record: index - names.values.startIndex + 1, label: Int(names.values[index]),
                classes: classes)
        }
        let channels = pictures.sizes.count == 4 ? pictures.sizes[3] : 1
        let rule = BoxAverage(
            height: pictures.sizes[1], width: pictures.sizes[2], channels: channels, resolution: resolution)
        return LabelledImages(
            pixels: rule.images(pictures.values), labels: names.values.map(Int.init), height: resolution,
            width: resolution, channels: channels, classCount: classes)
    }
}
