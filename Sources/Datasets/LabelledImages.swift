/// A data set in memory: images of one size, each with a class.
package struct LabelledImages: Sendable, Equatable {
    /// The values, in -1...1; shape `[count, height, width, channels]`.
    package let pixels: [Float]
    /// The class of each image, in `0..<classCount`.
    package let labels: [Int]
    /// Rows of an image.
    package let height: Int
    /// Columns of an image.
    package let width: Int
    /// Values per pixel.
    package let channels: Int
    /// The number of classes.
    package let classCount: Int

    /// Makes a data set. Traps if the numbers of values and labels do not belong together.
    package init(pixels: [Float], labels: [Int], height: Int, width: Int, channels: Int, classCount: Int) {
        precondition(
            pixels.count == labels.count * height * width * channels,
            "images: \(pixels.count) values for \(labels.count) images of \(height) x \(width) x \(channels)")
        precondition(
            labels.allSatisfy { (0..<classCount).contains($0) }, "images: a label outside 0..<\(classCount)")
        self.pixels = pixels
        self.labels = labels
        self.height = height
        self.width = width
        self.channels = channels
        self.classCount = classCount
    }

    /// The number of images.
    package var count: Int { labels.count }

    /// The number of values in one image.
    package var elementCount: Int { height * width * channels }

    /// The values of one image; shape `[height, width, channels]`.
    package func image(_ index: Int) -> ArraySlice<Float> {
        pixels[index * elementCount..<(index + 1) * elementCount]
    }

    /// Returns the images with the given numbers, in that order.
    package func selecting(_ indices: [Int]) -> LabelledImages {
        LabelledImages(
            pixels: indices.flatMap(image), labels: indices.map { labels[$0] }, height: height, width: width,
            channels: channels, classCount: classCount)
    }
}
