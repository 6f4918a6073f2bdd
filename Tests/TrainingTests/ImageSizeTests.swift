import Communication
import Diffusion
import Evaluation
import Foundation
import Logging
import Testing
import Training

/// Two small IDX files: `count` images of `side` pixels a side, in three classes told apart by their brightness.
private func writeImages(count: Int, side: Int, channels: Int, in folder: String) throws {
    func write(_ sizes: [Int], _ values: [UInt8], to name: String) throws {
        var file: [UInt8] = [0, 0, 8, UInt8(sizes.count)]
        for size in sizes { file += [0, 0, 0, UInt8(size)] }
        try Data(file + values).write(to: URL(filePath: folder + "/" + name))
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var pixels: [UInt8] = []
    for n in 0..<count {
        for place in 0..<side * side * channels {
            let texture = (n * 31 + place * 7) % 60
            pixels.append(UInt8(n % 3 * 90 + texture))
        }
    }
    try write([count, side, side] + (channels == 1 ? [] : [channels]), pixels, to: "images")
    try write([count], (0..<count).map { UInt8($0 % 3) }, to: "labels")
}

struct ImageSizeTests {
    @Test(
        "A run goes through every stage on images of other sizes, read from IDX files",
        arguments: [(12, 1, 16), (32, 3, 32)])
    func wholeRun(side: Int, channels: Int, resolution: Int) throws {
        let (run, files) = (TemporaryRun(), TemporaryRun())
        var configuration = TinyRun(folder: run.folder).configuration
        try writeImages(count: 80, side: side, channels: channels, in: files.folder)
        configuration.data.source = .file(path: files.folder + "/images")
        configuration.data.labels = files.folder + "/labels"
        configuration.network.resolution = resolution
        configuration.network.imageChannels = channels
        configuration.network.classes = 3
        configuration.network.channelMultipliers = resolution == 16 ? [1, 1, 4] : [1, 1, 1, 4]
        let control = try InProcessControl(
            owning: OwnedRunFolder(configuration: configuration, fresh: false), rankCount: 1)
        let worker = Worker(
            configuration, communicator: SelfCommunicator(), control: control, printsWeightsHash: false,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        _ = try worker.run()

        let evaluation = try Data(contentsOf: URL(filePath: run.layout.evaluation))
        let result = try JSONDecoder().decode(EvaluationResult.self, from: evaluation)
        #expect(result.student.images == 70 && result.student.frechetDistance.isFinite)
        let grid = try PNGFile.decode([UInt8](try Data(contentsOf: URL(filePath: run.layout.samples("student")))))
        // Ten cells a row, of 32 pixels and 2 between them.
        #expect(grid.channels == channels && grid.width == 10 * 34 + 2 && grid.height == 3 * 34 + 2)
    }
}
