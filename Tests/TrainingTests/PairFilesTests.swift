import Checkpoints
import Foundation
import Tensors
import Testing
import Training

struct PairFilesTests {
    private let temporary = TemporaryRun()
    private static let teacher = String(repeating: "a1", count: 32)

    private func files(
        teacher: String = Self.teacher, sigma: Double = 2.5, heunSteps: Int = 18, seed: UInt64 = 1
    ) -> PairFiles {
        PairFiles(
            folder: temporary.layout.pairs,
            identity: PairIdentity(teacher: teacher, sigma: sigma, heunSteps: heunSteps, seed: seed), batch: 3, count: 7
        )
    }

    private func images(_ file: Int) -> Tensor {
        let range = files().range(file)
        return Tensor(range.flatMap { [Float($0), -Float($0)] }, Shape(range.count, 1, 2, 1))
    }

    /// What is missing, and what was said of damaged files.
    private func look(_ files: PairFiles) throws -> (missing: [Int], damaged: [String]) {
        var damaged: [String] = []
        return (try files.missing { damaged.append($0) }, damaged)
    }

    private func writeAll() throws {
        for file in 0..<files().fileCount { try files().write(file, images(file)) }
    }

    @Test("What is written reads back in order, the last file being shorter")
    func roundTrip() throws {
        #expect(files().fileCount == 3 && files().range(2) == 6..<7)
        #expect(try look(files()).missing == [0, 1, 2])
        try files().write(1, images(1))
        #expect(try look(files()).missing == [0, 2])
        try writeAll()
        let found = try look(files())
        #expect(found.missing.isEmpty && found.damaged.isEmpty)
        #expect(try files().readAll([1, 2, 1]).elements == (0..<7).flatMap { [Float($0), -Float($0)] })
    }

    @Test("A changed byte of images or metadata, and a file cut short, make a file damaged, not another run's")
    func damage() throws {
        try writeAll()
        let path = files().path(1)
        let whole = try Data(contentsOf: URL(filePath: path))
        let stated = try #require(whole.range(of: Data(Self.teacher.utf8)))
        var inImages = whole
        inImages[whole.count - 1] ^= 1
        var inMetadata = whole
        inMetadata[stated.lowerBound] = UInt8(ascii: "b")
        for bytes in [inImages, inMetadata, whole.prefix(whole.count - 1), whole.prefix(5)] {
            try bytes.write(to: URL(filePath: path))
            let found = try look(files())
            #expect(found.missing == [1])
            #expect(found.damaged.count == 1 && found.damaged[0].contains(path), "\(found.damaged)")
            #expect(throws: CheckpointError.self) { try files().readAll([1, 2, 1]) }
        }
    }

    @Test("A file without its name, as a killed run leaves, counts as missing")
    func unfinished() throws {
        try writeAll()
        try FileManager.default.moveItem(
            atPath: files().path(2), toPath: temporary.layout.pairs + "/.batch-00002.safetensors.77")
        #expect(try look(files()).missing == [2])
    }

    @Test("Pairs of another teacher are refused in one line that names both")
    func otherTeacher() throws {
        try writeAll()
        let other = files(teacher: String(repeating: "b2", count: 32))
        let error = try #require(throws: PairError.self) { try look(other) }
        #expect(
            "\(error)"
                == "\(other.path(0)) was made by another teacher: its weights have the hash a1a1a1a1a1a1, this run's "
                + "b2b2b2b2b2b2; move the folder away to make pairs anew")
        #expect(throws: PairError.self) { try other.readAll([1, 2, 1]) }
    }

    @Test("So are pairs of another noise level, sampler or seed, and images of another size")
    func otherSampling() throws {
        try writeAll()
        for (other, text) in [
            (files(sigma: 80), "sigma 2.5, this run has 80.0"), (files(heunSteps: 9), "heun_steps 18, this run has 9"),
            (files(seed: 2), "seed 1, this run has 2"),
        ] {
            let error = try #require(throws: PairError.self) { try look(other) }
            #expect("\(error)".contains("was made with " + text), "\(error)")
        }
        #expect(throws: CheckpointError.self) { try files().readAll([2, 1, 1]) }
    }
}
