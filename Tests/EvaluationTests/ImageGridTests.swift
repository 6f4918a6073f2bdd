import Evaluation
import Testing

@Test("Samples round half up and clamp")
func quantisation() {
    let values: [Float] = [-1, 1, 0, -2, 3, .nan, .infinity, -.infinity]
    #expect(values.map(UInt8.init(sampleOf:)) == [0, 255, 128, 0, 255, 0, 255, 0])
    // Every level survives the way to -1...1 and back.
    #expect((0...255).allSatisfy { UInt8(sampleOf: Float($0) / 127.5 - 1) == UInt8($0) })
}

@Test("An 8x8 image fills a cell of 32x32 pixels, in the row of its class")
func enlargedCells() {
    var images = [Float](repeating: -1, count: 3 * 64)
    images[0] = 1  // the first pixel of the first image, of class 1
    let sheet = ImageGrid(columns: 2).draw(images, labels: [1, 0, 1], rows: 2, height: 8, width: 8, channels: 1)
    #expect(sheet.width == 2 + 34 * 2 && sheet.height == 2 + 34 * 2)
    func sample(_ x: Int, _ y: Int) -> UInt8 { sheet.samples[y * sheet.width + x] }
    #expect(sample(0, 0) == 96, "padding")
    #expect(sample(2, 2) == 0, "class 0, first column")
    #expect(sample(36, 2) == 96, "class 0 has one image only")
    #expect(sample(2, 36) == 255 && sample(5, 39) == 255, "one pixel became 4x4")
    #expect(sample(6, 36) == 0 && sample(2, 40) == 0)
    #expect(sample(36, 36) == 0, "class 1, second column")
}

@Test("Images beyond the last column are left out, and colours keep their order")
func colourGrid() {
    var grid = ImageGrid(columns: 1)
    grid.padding = 0
    grid.minimumCellSize = 2
    let sheet = grid.draw([1, 0, -1, -1, -1, -1], labels: [0, 0], rows: 1, height: 1, width: 1, channels: 3)
    #expect(
        sheet
            == Raster(
                width: 2, height: 2, channels: 3, samples: [255, 128, 0, 255, 128, 0, 255, 128, 0, 255, 128, 0]))
}
