/// Brings images of bytes to a square resolution.
///
/// The rule: an image is padded with 0, evenly on opposite sides and by the odd pixel at the end, to the smallest square
/// whose side is a multiple of the resolution; each pixel of the result is the mean over its box. So 28x28 becomes 32x32
/// for a resolution of 32, 16 or 8, and stays as it is for 28 or 14; nothing is interpolated or cut off.
struct BoxAverage {
    private let height: Int, width: Int, channels: Int
    private let resolution: Int
    /// The side of a box.
    private let factor: Int
    /// What is padded before the first row and column.
    private let top: Int, left: Int

    /// The rule for images of one size. Traps if a size is not positive.
    init(height: Int, width: Int, channels: Int, resolution: Int) {
        precondition(
            height > 0 && width > 0 && channels > 0 && resolution > 0,
            "box average: \(height) x \(width) x \(channels) to resolution \(resolution)")
        (self.height, self.width, self.channels, self.resolution) = (height, width, channels, resolution)
        factor = (max(height, width) + resolution - 1) / resolution
        (top, left) = ((factor * resolution - height) / 2, (factor * resolution - width) / 2)
    }

    /// The images, 0...255 becoming -1...1. Shapes: `values` `[N, height, width, channels]`, result
    /// `[N, resolution, resolution, channels]`.
    func images(_ values: ArraySlice<UInt8>) -> [Float] {
        let (sourceCount, resultCount) = (height * width * channels, resolution * resolution * channels)
        var result: [Float] = []
        result.reserveCapacity(values.count / sourceCount * resultCount)
        let scale = 1 / (Float(factor * factor) * 127.5)
        for start in stride(from: values.startIndex, to: values.endIndex, by: sourceCount) {
            var sums = [Int](repeating: 0, count: resultCount)
            for y in 0..<height {
                for x in 0..<width {
                    let source = start + (y * width + x) * channels
                    let target = ((y + top) / factor * resolution + (x + left) / factor) * channels
                    for channel in 0..<channels { sums[target + channel] += Int(values[source + channel]) }
                }
            }
            result += sums.map { Float($0) * scale - 1 }
        }
        return result
    }
}
