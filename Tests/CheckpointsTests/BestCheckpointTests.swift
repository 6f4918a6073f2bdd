import Checkpoints
import Testing

struct BestCheckpointTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private var store: CheckpointStore { CheckpointStore(folder: temporary.path + "/distil") }

    private func save(step: Int, distance: Double?) throws {
        let save = try store.beginSave(step: step, generation: 1)
        let shard = try store.writeShard(rank: 0, of: 1, tensors: [], in: save)
        let metadata = distance.map { [CheckpointStore.distanceKey: String($0)] } ?? [:]
        _ = try store.publish(
            CheckpointDraft(stage: "distil", step: step, generation: 1, shards: [shard], metadata: metadata))
        try store.removeOutdated(after: step, generation: 1)
    }

    @Test("The checkpoint with the lowest distance stays beside the newest three, until one is lower")
    func retention() throws {
        for (step, distance) in [(1, 5.0), (2, 2.5), (3, nil), (4, 4), (5, 3), (6, nil), (7, 3.5)] {
            try save(step: step, distance: distance)
        }
        #expect(try store.publishedSteps() == [7, 6, 5, 2])
        #expect(try store.best()?.manifest.step == 2)
        #expect(try store.best()?.distance == 2.5)
        for (step, distance) in [(8, 1.0), (9, nil), (10, nil), (11, nil), (12, 1.5)] {
            try save(step: step, distance: distance)
        }
        #expect(try store.publishedSteps() == [12, 11, 10, 8])
    }

    @Test(
        "Without a distance none is best; of equal ones the newest is, and a distance that is no number counts for nothing"
    )
    func choice() throws {
        try save(step: 1, distance: nil)
        #expect(try store.best() == nil)
        try save(step: 2, distance: 2)
        try save(step: 3, distance: 2)
        try save(step: 4, distance: .nan)
        #expect(try store.best()?.manifest.step == 3)
    }
}
