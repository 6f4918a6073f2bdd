/// An image of 8-bit samples, as files and screens have it.
package struct Raster: Sendable, Equatable {
    /// Width in pixels.
    package let width: Int
    /// Height in pixels.
    package let height: Int
    /// Samples per pixel: 1 (grey) or 3 (red, green, blue).
    package let channels: Int
    /// The samples, `[height, width, channels]` row-major, sRGB.
    package var samples: [UInt8]

    /// An image from its samples.
    ///
    /// Traps: if the sizes are not positive, the channels neither 1 nor 3, or the count differs from the shape.
    package init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
        precondition(width > 0 && height > 0, "an image of \(width) x \(height) pixels")
        precondition(channels == 1 || channels == 3, "an image of \(channels) channels; 1 and 3 are supported")
        precondition(
            samples.count == width * height * channels,
            "\(samples.count) samples for \(width) x \(height) x \(channels)")
        self.width = width
        self.height = height
        self.channels = channels
        self.samples = samples
    }
}

extension UInt8 {
    /// The 8-bit sample of a training value in -1...1: (x + 1) · 127.5, rounded half up, clamped; 0 for NaN.
    package init(sampleOf value: Float) {
        let level = ((value + 1) * 127.5 + 0.5).rounded(.down)
        // The comparison is false for NaN too, which would trap in the conversion.
        self = level > 0 ? UInt8(Swift.min(level, 255)) : 0
    }
}
