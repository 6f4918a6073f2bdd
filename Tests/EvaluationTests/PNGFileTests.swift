import Evaluation
import Foundation
import Testing

@Test("A PNG decodes to the same samples", arguments: [1, 3])
func pngRoundTrip(channels: Int) throws {
    let samples = (0..<37 * 11 * channels).map { UInt8(truncatingIfNeeded: $0 * 73 + $0 / 5) }
    let raster = Raster(width: 37, height: 11, channels: channels, samples: samples)
    let bytes = try PNGFile.encode(raster)
    #expect(bytes.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(try PNGFile.decode(bytes) == raster)
}

@Test("A PNG cut short is an error, not an image")
func truncatedPNG() throws {
    let bytes = try PNGFile.encode(Raster(width: 8, height: 8, channels: 1, samples: Array(0..<64)))
    #expect(throws: EvaluationError.self) { try PNGFile.decode(Array(bytes.prefix(bytes.count / 2))) }
    #expect(throws: EvaluationError.self) { try PNGFile.decode([]) }
}
