import Checkpoints
import Foundation
import Synchronization
import Testing

struct CheckpointStoreTests {
    let temporary: TemporaryFolder
    let store: CheckpointStore

    init() throws {
        temporary = try TemporaryFolder()
        store = CheckpointStore(folder: temporary.path + "/distil")
    }

    @Test("A state written by any number of ranks is read back bit for bit", arguments: 1...5)
    func roundTrip(rankCount: Int) throws {
        let manifest = try SampleState.save(step: 7, rankCount: rankCount, in: store)
        let search = try store.newestVerified(settingAside: true)
        let found = try #require(search.found)
        #expect(found.manifest == manifest)
        #expect(manifest.metadata == ["configuration": "abc"] && manifest.stage == "distil")
        #expect(search.rejected.isEmpty)
        #expect(try SampleState.load(found) == SampleState.values(step: 7))
    }

    @Test("An empty or absent folder has no checkpoint, and that is no error")
    func nothing() throws {
        let search = try store.newestVerified(settingAside: true)
        #expect(search.found == nil && search.rejected.isEmpty)
    }

    @Test("Two that give up the same save at once both succeed")
    func abandonedTwice() throws {
        let store = store
        let failures = Mutex<[String]>([])
        for step in 1...20 {
            let save = store.saveInProgress(step: step, generation: 1)
            try FileManager.default.createDirectory(atPath: save.folder, withIntermediateDirectories: true)
            for file in 0..<100 { try Data().write(to: URL(filePath: "\(save.folder)/\(file)")) }
            DispatchQueue.concurrentPerform(iterations: 2) { _ in
                do { try store.abandon(save) } catch { failures.withLock { $0.append("\(error)") } }
            }
            #expect(!FileManager.default.fileExists(atPath: save.folder))
        }
        #expect(failures.withLock { $0 } == [])
    }

    @Test("The newest is the one with the highest number, not the last in the alphabet")
    func numericOrder() throws {
        for step in [100_000_000, 99_999_999] { try SampleState.save(step: step, in: store) }
        #expect(try store.publishedSteps() == [100_000_000, 99_999_999])
        #expect(try store.newestVerified(settingAside: false).found?.manifest.step == 100_000_000)
    }

    @Test("A step that a person names and that is not there is answered with those that are")
    func unknownStep() throws {
        for step in [250, 500] { try SampleState.save(step: step, in: store) }
        guard case .sound(let checkpoint) = try store.judge(namedStep: 250) else {
            Issue.record("step 250 does not verify")
            return
        }
        #expect(checkpoint.manifest.step == 250)
        #expect {
            try store.judge(namedStep: 300)
        } throws: {
            "\($0)" == "\(store.folder) has no checkpoint of step 300; there are 250, 500"
        }
    }

    @Test("The newest three are kept, and a damaged one does not count")
    func retention() throws {
        for step in [1, 2, 3, 4] { try SampleState.save(step: step, in: store) }
        #expect(try store.publishedSteps() == [4, 3, 2])
        try temporary.write([], to: "distil/step-00000003/manifest.json")
        try SampleState.save(step: 5, in: store)
        #expect(try store.publishedSteps() == [5, 4, 3, 2])
    }

    @Test("A later launch replaces a checkpoint of the same step")
    func replacement() throws {
        try SampleState.save(step: 5, generation: 1, in: store)
        try SampleState.save(step: 5, generation: 2, rankCount: 3, in: store)
        #expect(try store.newestVerified(settingAside: true).found?.manifest.generation == 2)
        #expect(try temporary.names("distil") == ["step-00000005"])
    }

    @Test("Publishing what is published already says so again, and changes nothing")
    func publishedTwice() throws {
        let manifest = try SampleState.save(step: 5, in: store)
        let draft = CheckpointDraft(stage: "distil", step: 5, generation: 1, shards: [], metadata: [:])
        #expect(try store.publish(draft).manifest == manifest)
        let later = CheckpointDraft(stage: "distil", step: 5, generation: 2, shards: [], metadata: [:])
        #expect(throws: CheckpointError.self) { try store.publish(later) }
    }

    @Test("A replacement that was interrupted between its renames is undone")
    func interruptedReplacement() throws {
        try SampleState.save(step: 5, in: store)
        try FileManager.default.moveItem(
            atPath: store.folder + "/step-00000005", toPath: store.folder + "/.replaced-step-00000005")
        #expect(try store.newestVerified(settingAside: true).found?.manifest.step == 5)
    }

    @Test("What a crash leaves behind is not seen, and the next save removes it")
    func leftovers() throws {
        try SampleState.save(step: 1, in: store)
        _ = try store.beginSave(step: 2, generation: 1)
        try temporary.write([1, 2, 3], to: "distil/.step-00000002.gen-1/shard-00000-of-00001.safetensors")
        #expect(try store.newestVerified(settingAside: true).found?.manifest.step == 1)
        try SampleState.save(step: 3, generation: 2, in: store)
        #expect(try temporary.names("distil") == ["step-00000001", "step-00000003"])
    }

    @Test("A leftover process of an earlier launch cannot save")
    func superseded() throws {
        _ = try store.beginSave(step: 9, generation: 3)
        #expect {
            try store.beginSave(step: 9, generation: 2)
        } throws: { error in
            if case CheckpointError.superseded(_, generation: 3) = error { true } else { false }
        }
    }

    @Test("A checkpoint with a missing or short shard is not published")
    func incomplete() throws {
        let save = try store.beginSave(step: 1, generation: 1)
        let shard = try store.writeShard(rank: 0, of: 2, tensors: [], in: save)
        var draft = CheckpointDraft(stage: "distil", step: 1, generation: 1, shards: [shard], metadata: [:])
        #expect(throws: CheckpointError.self) { try store.publish(draft) }
        draft.shards.append(try store.writeShard(rank: 1, of: 2, tensors: [], in: save))
        try temporary.write([0], to: "distil/.step-00000001.gen-1/" + shard.file)
        #expect(throws: CheckpointError.self) { try store.publish(draft) }
        #expect(try store.publishedSteps().isEmpty)
    }

    @Test("Other names or shapes than the checkpoint's are refused, all named at once")
    func mismatch() throws {
        try SampleState.save(step: 1, in: store)
        let found = try #require(try store.newestVerified(settingAside: false).found)
        let wanted: [(name: String, shape: [Int])] = [
            ("student.weight", [3, 4]), ("student.bias", [5]), ("other", []),
        ]
        #expect {
            try SampleState.load(found, shapes: wanted)
        } throws: { error in
            let text = "\(error)"
            return text.contains("student.weight [3, 4], other []") && text.contains("not wanted: scale")
                && !text.contains("\n")
        }
    }

    @Test("Bytes are shared out evenly, the same way every time")
    func assignment() {
        let byteCounts = (0..<40).map { ($0 * 37) % 101 + 1 }
        let ranks = shardAssignment(byteCounts: byteCounts, rankCount: 7)
        #expect(ranks == shardAssignment(byteCounts: byteCounts, rankCount: 7))
        let load = (0..<7).map { rank in zip(byteCounts, ranks).filter { $0.1 == rank }.map(\.0).reduce(0, +) }
        #expect((load.max() ?? 0) - (load.min() ?? 0) <= (byteCounts.max() ?? 0))
    }
}
