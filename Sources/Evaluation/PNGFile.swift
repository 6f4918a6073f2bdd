import CPNG

/// PNG images, through libpng's simplified interface.
package enum PNGFile {
    /// The bytes of a PNG file.
    ///
    /// Throws: when libpng refuses, for an image too large for the format.
    package static func encode(_ raster: Raster) throws(EvaluationError) -> [UInt8] {
        var image = png_image()
        image.version = UInt32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(raster.width)
        image.height = png_uint_32(raster.height)
        image.format = pixelFormat(channels: raster.channels)
        var size = png_alloc_size_t()
        guard png_image_write_to_memory(&image, nil, &size, 0, raster.samples, 0, nil) != 0 else {
            throw failure("measuring an image", of: &image)
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        guard png_image_write_to_memory(&image, &bytes, &size, 0, raster.samples, 0, nil) != 0 else {
            throw failure("encoding an image", of: &image)
        }
        return Array(bytes.prefix(Int(size)))
    }

    /// The image in the bytes of a PNG file; colour becomes three channels, and everything else grey.
    ///
    /// Throws: when the bytes are no complete PNG file.
    package static func decode(_ bytes: [UInt8]) throws(EvaluationError) -> Raster {
        var image = png_image()
        image.version = UInt32(PNG_IMAGE_VERSION)
        defer { png_image_free(&image) }
        return try bytes.span.withUnsafeBytes { source throws(EvaluationError) in
            // libpng reads from the bytes until the second call has returned.
            guard png_image_begin_read_from_memory(&image, source.baseAddress, source.count) != 0 else {
                throw failure("reading a header", of: &image)
            }
            let channels = image.format & UInt32(PNG_FORMAT_FLAG_COLOR) == 0 ? 1 : 3
            image.format = pixelFormat(channels: channels)
            let size = (width: Int(image.width), height: Int(image.height))
            var samples = [UInt8](repeating: 0, count: size.width * size.height * channels)
            guard png_image_finish_read(&image, nil, &samples, 0, nil) != 0 else {
                throw failure("reading pixels", of: &image)
            }
            return Raster(width: size.width, height: size.height, channels: channels, samples: samples)
        }
    }

    private static func pixelFormat(channels: Int) -> png_uint_32 {
        channels == 3 ? png_uint_32(PNG_FORMAT_RGB) : png_uint_32(PNG_FORMAT_GRAY)
    }

    private static func failure(_ operation: String, of image: inout png_image) -> EvaluationError {
        .png(operation: operation, reason: String(cString: shim_png_message(&image)))
    }
}
