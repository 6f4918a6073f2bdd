/// A contact sheet of images: one row per class, the first `columns` images of each, enlarged by whole pixels.
package struct ImageGrid: Sendable {
    /// Images per row.
    package var columns: Int
    /// Pixels around and between cells.
    package var padding = 2
    /// The enlargement is the smallest whole factor that makes a cell at least this many pixels high and wide.
    package var minimumCellSize = 32
    /// The sample value of padding and of empty cells.
    package var background: UInt8 = 96

    /// A grid of `columns` images per class.
    ///
    /// Traps: if `columns` is not positive.
    package init(columns: Int) {
        precondition(columns > 0, "a grid of \(columns) columns")
        self.columns = columns
    }

    /// Draws images as a grid of `rows` rows.
    ///
    /// Shapes: `images` `[N, height, width, channels]`, values in -1...1, 1 or 3 channels; `labels` `[N]` names each
    /// image's row (its class). A row that has fewer images than columns is filled up with background; images beyond
    /// the last column are left out.
    /// Traps: if the counts do not match or a label is not in 0..<rows.
    package func draw(
        _ images: [Float], labels: [Int], rows: Int, height: Int, width: Int, channels: Int
    ) -> Raster {
        let imageSize = height * width * channels
        precondition(
            images.count == labels.count * imageSize,
            "\(images.count) values for \(labels.count) images of \(height) x \(width) x \(channels)")
        let scale = max(1, (minimumCellSize + min(height, width) - 1) / min(height, width))
        let pitch = (row: height * scale + padding, column: width * scale + padding)
        let size = (height: rows * pitch.row + padding, width: columns * pitch.column + padding)
        var sheet = Raster(
            width: size.width, height: size.height, channels: channels,
            samples: [UInt8](repeating: background, count: size.height * size.width * channels))
        var filled = [Int](repeating: 0, count: rows)
        for (index, row) in labels.enumerated() {
            precondition((0..<rows).contains(row), "an image of row \(row) in a grid of \(rows) rows")
            guard filled[row] < columns else { continue }
            let image = Raster(
                width: width, height: height, channels: channels,
                samples: images[index * imageSize..<(index + 1) * imageSize].map(UInt8.init(sampleOf:)))
            sheet.paste(
                image, scale: scale, top: padding + row * pitch.row, left: padding + filled[row] * pitch.column)
            filled[row] += 1
        }
        return sheet
    }
}

extension Raster {
    /// Copies `image` in, each of its pixels as a square of `scale` x `scale`.
    fileprivate mutating func paste(_ image: Raster, scale: Int, top: Int, left: Int) {
        for y in 0..<image.height * scale {
            for x in 0..<image.width * scale {
                let from = ((y / scale) * image.width + x / scale) * channels
                let to = ((top + y) * width + left + x) * channels
                for channel in 0..<channels { samples[to + channel] = image.samples[from + channel] }
            }
        }
    }
}
