import Checkpoints
import Foundation
import Testing

/// Every kind of damage to every place of a small checkpoint: all of it is noticed, and the checkpoint before is found.
struct DamageSweepTests {
    private static let pageByteCount = 4096
    private static let newest = "step-00000002/"

    private let temporary: TemporaryFolder
    private let store: CheckpointStore
    private let previous: Checkpoint

    /// Two checkpoints of 40 pages in two files, of which the newer one is to be damaged.
    init() throws {
        temporary = try TemporaryFolder()
        store = CheckpointStore(folder: temporary.path)
        for step in [1, 2] { try Self.save(step: step, in: store) }
        guard case .sound(let checkpoint) = store.judge(step: 1, hashingContent: true) else {
            throw CheckpointError.damaged(path: temporary.path, reason: "the checkpoint to fall back to")
        }
        previous = checkpoint
    }

    private static func save(step: Int, in store: CheckpointStore) throws {
        let count = 20 * pageByteCount / 4
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        defer { memory.deallocate() }
        _ = memory.initialize(fromContentsOf: (0..<count).map { Float(step) + Float($0) / 4096 })
        let tensors = ["student.weight", "student.average.weight"].map {
            TensorView(name: $0, shape: [count], elements: UnsafeBufferPointer(memory))
        }
        let save = try store.beginSave(step: step, generation: 1)
        let shards = try (0..<2).map { try store.writeShard(rank: $0, of: 2, tensors: tensors, in: save) }
        _ = try store.publish(
            CheckpointDraft(stage: "distil", step: step, generation: 1, shards: shards, metadata: [:]))
    }

    /// True if the search passes the newest over as damaged and finds the one before, unchanged.
    private func fallsBack() throws -> Bool {
        let search = try store.newestVerified(settingAside: false)
        return search.found == previous && search.rejected.count == 1 && search.rejected[0].fault.isDamage
    }

    /// Where a byte is flipped: every byte of small files and of headers, and both sides of each page's boundary.
    private static func offsets(of name: String, _ bytes: [UInt8]) -> [Int] {
        guard name.hasSuffix(".safetensors") else { return Array(bytes.indices) }
        let header = 8 + bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let boundaries = stride(from: 0, through: bytes.count, by: pageByteCount).flatMap { [$0 - 1, $0] }
        let places = Set(0..<header).union(boundaries).union([bytes.count - 1])
        return places.filter(bytes.indices.contains).sorted()
    }

    @Test("A flipped byte in every header and at every page's boundary is noticed")
    func flips() throws {
        var count = 0
        for name in try temporary.names(Self.newest) {
            let path = Self.newest + name
            let sound = try temporary.bytes(path)
            for offset in Self.offsets(of: name, sound) {
                var damaged = sound
                damaged[offset] ^= 1 << UInt8(offset % 8)
                try temporary.write(damaged, to: path)
                #expect(try fallsBack(), "\(name), byte \(offset)")
                count += 1
            }
            try temporary.write(sound, to: path)
        }
        #expect(count > 1000, "manifest, mark, two headers and 42 boundaries")
        #expect(try store.newestVerified(settingAside: false).found?.manifest.step == 2, "nothing is damaged any more")
    }

    @Test("A file cut off at every page's boundary, or grown, is noticed")
    func lengths() throws {
        for name in try temporary.names(Self.newest) {
            let path = Self.newest + name
            let sound = try temporary.bytes(path)
            let boundaries = stride(from: 0, to: sound.count, by: Self.pageByteCount)
            for length in Set(boundaries).union([1, sound.count - 1]).sorted() {
                try temporary.write(Array(sound.prefix(length)), to: path)
                #expect(try fallsBack(), "\(name) cut to \(length)")
            }
            try temporary.write(sound + [0], to: path)
            #expect(try fallsBack(), "\(name) grown by a byte")
            try temporary.write(sound, to: path)
        }
    }

    @Test("A file that is gone is noticed")
    func removals() throws {
        for name in try temporary.names(Self.newest) {
            let path = Self.newest + name
            let sound = try temporary.bytes(path)
            try FileManager.default.removeItem(atPath: temporary.path + "/" + path)
            #expect(try fallsBack(), "\(name) removed")
            try temporary.write(sound, to: path)
        }
    }

    @Test("Shared out over any number of processes, every file is read by one of them", arguments: 1...4)
    func shared(count: Int) throws {
        let newest = try #require(try store.newestCommitted(below: nil, settingAside: false).found)
        func defects() -> [RejectedCheckpoint] {
            (0..<count).compactMap { store.firstDefect(of: newest, part: $0, of: count) }
        }
        #expect(defects().isEmpty)
        var last: RejectedCheckpoint?
        for name in newest.manifest.files.keys {
            let path = Self.newest + name
            let sound = try temporary.bytes(path)
            var damaged = sound
            damaged[sound.count / 2] ^= 1
            try temporary.write(damaged, to: path)
            last = defects().first
            #expect(defects().map(\.fault) == [.hash])
            try temporary.write(sound, to: path)
        }
        let aside = try store.setAside(#require(last))
        #expect(aside.folder.hasSuffix("step-00000002.bad-hash"))
        #expect(try store.newestCommitted(below: nil, settingAside: false).found == previous)
        #expect(try store.newestCommitted(below: 1, settingAside: false).found == nil)
    }
}
