import Checkpoints
import Foundation
import Testing

struct DamageTests {
    let temporary: TemporaryFolder
    let store: CheckpointStore

    /// Two checkpoints, of which the newer one is to be damaged.
    init() throws {
        temporary = try TemporaryFolder()
        store = CheckpointStore(folder: temporary.path)
        try SampleState.save(step: 1, in: store)
        try SampleState.save(step: 2, in: store)
    }

    static let newest = "step-00000002/"

    private func expectFallback(_ what: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let search = try store.newestVerified(settingAside: false)
        #expect(search.found?.manifest.step == 1, "\(what)", sourceLocation: sourceLocation)
        #expect(search.rejected.map(\.step) == [2], "\(what)", sourceLocation: sourceLocation)
        let isDamage = search.rejected.map { $0.fault.isDamage }
        #expect(isDamage == [true], "\(what)", sourceLocation: sourceLocation)
    }

    @Test("A flipped byte anywhere is detected, and the checkpoint before is used")
    func flippedByte() throws {
        for name in try temporary.names(Self.newest) {
            let sound = try temporary.bytes(Self.newest + name)
            let stride = max(1, sound.count / 40)
            for offset in Swift.stride(from: 0, to: sound.count, by: stride) {
                var damaged = sound
                damaged[offset] ^= 0x10
                try temporary.write(damaged, to: Self.newest + name)
                try expectFallback("\(name), byte \(offset)")
            }
            try temporary.write(sound, to: Self.newest + name)
        }
        #expect(try store.newestVerified(settingAside: false).found?.manifest.step == 2)
    }

    @Test("Of the damaged ones that were set aside the newest two stay, and the search says which it removed")
    func setAsideRetention() throws {
        for step in 3...4 { try SampleState.save(step: step, in: store) }
        for step in 2...4 { try temporary.write([], to: "step-0000000\(step)/COMMITTED") }
        let search = try store.newestVerified(settingAside: true)
        #expect(search.found == nil, "the store keeps three")
        #expect(search.removed == [temporary.path + "/step-00000002.bad-commit"])
        #expect(try temporary.names() == ["step-00000003.bad-commit", "step-00000004.bad-commit"])
        #expect(try store.newestVerified(settingAside: true).removed == [])
    }

    @Test("What the system cannot tell of is no damage: it stays where it is, and the one before is used")
    func unreadable() throws {
        for name in try temporary.names(Self.newest) {
            let path = temporary.path + "/" + Self.newest + name
            let sound = try temporary.bytes(Self.newest + name)
            try FileManager.default.removeItem(atPath: path)
            // A link to itself: to look it up fails, as where a file server does not answer, but not for want of a file.
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
            let search = try store.newestVerified(settingAside: true)
            #expect(search.found?.manifest.step == 1 && search.rejected.map(\.fault) == [.unreadable], "\(name)")
            try FileManager.default.removeItem(atPath: path)
            try temporary.write(sound, to: Self.newest + name)
        }
        #expect(try store.newestVerified(settingAside: false).found?.manifest.step == 2)
    }

    @Test("A truncated file is detected")
    func truncation() throws {
        for name in try temporary.names(Self.newest) {
            let sound = try temporary.bytes(Self.newest + name)
            for count in [0, 1, sound.count / 2, sound.count - 1] {
                try temporary.write(Array(sound.prefix(count)), to: Self.newest + name)
                try expectFallback("\(name) cut to \(count)")
            }
            try temporary.write(sound, to: Self.newest + name)
        }
    }

    @Test("A removed file is detected")
    func removal() throws {
        for name in try temporary.names(Self.newest) {
            let sound = try temporary.bytes(Self.newest + name)
            try FileManager.default.removeItem(atPath: temporary.path + "/" + Self.newest + name)
            try expectFallback("\(name) removed")
            try temporary.write(sound, to: Self.newest + name)
        }
    }

    @Test("A damaged checkpoint is set aside under the name of its fault, and said so in one line")
    func setAside() throws {
        let shard = try #require(try temporary.names(Self.newest).last)
        var bytes = try temporary.bytes(Self.newest + shard)
        bytes[bytes.count - 1] ^= 1
        try temporary.write(bytes, to: Self.newest + shard)
        let rejected = try #require(try store.newestVerified(settingAside: true).rejected.first)
        #expect(rejected.folder.hasSuffix("step-00000002.bad-hash"))
        #expect(rejected.description.contains(shard) && !rejected.description.contains("\n"))
        #expect(try temporary.names() == ["step-00000001", "step-00000002.bad-hash"])
    }

    @Test("The layout of a later version is passed over but left where it is")
    func laterVersion() throws {
        let manifest = Array(#"{"formatVersion": 99}"#.utf8)
        let hash = manifest.withUnsafeBytes { SHA256Hasher.hash(of: $0) }
        try temporary.write(manifest, to: Self.newest + "manifest.json")
        try temporary.write(Array("\(hash)\n".utf8), to: Self.newest + "COMMITTED")
        let search = try store.newestVerified(settingAside: true)
        #expect(search.rejected.map(\.fault) == [.version] && search.found?.manifest.step == 1)
        #expect(try temporary.names() == ["step-00000001", "step-00000002"])
    }
}
