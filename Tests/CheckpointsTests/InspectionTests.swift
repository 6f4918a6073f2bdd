import Checkpoints
import Testing

struct InspectionTests {
    @Test("An inspection judges every checkpoint, newest first, and leaves damaged ones where they are")
    func inspectAll() throws {
        let temporary = try TemporaryFolder()
        let store = CheckpointStore(folder: temporary.path + "/distil")
        for step in [1, 2, 3] { try SampleState.save(step: step, in: store) }
        let damaged = "distil/step-00000002/shard-00000-of-00002.safetensors"
        let content = try temporary.bytes(damaged)
        try temporary.write(content.dropLast() + [content.last.map { ~$0 } ?? 0], to: damaged)

        func judgements(hashingContent: Bool) throws -> [String] {
            try store.inspectAll(hashingContent: hashingContent).map {
                switch $0 {
                case .sound(let checkpoint): "sound \(checkpoint.manifest.step)"
                case .rejected(let rejected): "\(rejected.fault) \(rejected.step)"
                }
            }
        }
        #expect(try judgements(hashingContent: true) == ["sound 3", "hash 2", "sound 1"])
        #expect(try judgements(hashingContent: false) == ["sound 3", "sound 2", "sound 1"])
        #expect(try store.publishedSteps() == [3, 2, 1])
    }

    @Test("What a disk has damaged since is told when the next is published, and an older one stays in its place")
    func damagedSince() throws {
        let temporary = try TemporaryFolder()
        let store = CheckpointStore(folder: temporary.path + "/distil", retention: RetentionPolicy(keepLast: 2))
        for step in [1, 2, 3] { try SampleState.save(step: step, in: store) }
        let damaged = "distil/step-00000003/shard-00001-of-00002.safetensors"
        let content = try temporary.bytes(damaged)
        try temporary.write(content.dropLast() + [content.last.map { ~$0 } ?? 0], to: damaged)
        try SampleState.save(step: 4, in: store)
        #expect(try store.removeOutdated(after: 4, generation: 1).map(\.step) == [3])
        #expect(try store.publishedSteps() == [4, 3, 2])
    }
}
