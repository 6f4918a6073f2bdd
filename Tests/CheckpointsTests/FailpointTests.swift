import Checkpoints
import Foundation
import Testing

struct FailpointTests {
    let temporary: TemporaryFolder
    let folder: String

    init() throws {
        temporary = try TemporaryFolder()
        folder = temporary.path + "/distil"
    }

    private func store(_ failpoint: Failpoint? = nil) -> CheckpointStore {
        CheckpointStore(folder: folder, retention: RetentionPolicy(keepLast: 2), failpoint: failpoint)
    }

    /// The places that a store passes by itself; `journal` is passed by who publishes.
    static let places = Failpoint.Place.allCases.filter { $0 != .journal }

    @Test(
        "Whatever step of the protocol fails, a verified checkpoint is loaded, the step can be saved again, nothing is left",
        arguments: places)
    func failure(at place: Failpoint.Place) throws {
        for step in [1, 2] { try SampleState.save(step: step, in: store()) }
        // `replace` is passed only where the step has been saved before.
        if place == .replace { try SampleState.save(step: 3, in: store()) }
        let failpoint = Failpoint(.fail, at: place, step: 3, generation: 2)
        #expect(throws: CheckpointError.self) {
            try SampleState.save(step: 3, generation: 2, in: store(failpoint))
        }

        let found = try #require(try store().newestVerified(settingAside: true).found)
        let isPublished = [.replace, .parentFlush, .retention, .removal].contains(place)
        #expect(found.manifest.step == (isPublished ? 3 : 2))
        #expect(found.manifest.generation == (isPublished && place != .replace ? 2 : 1))
        #expect(try SampleState.load(found) == SampleState.values(step: found.manifest.step))

        try SampleState.save(step: 3, generation: 3, in: store())
        let again = try #require(try store().newestVerified(settingAside: true).found)
        #expect(again.manifest.step == 3 && again.manifest.generation == 3)
        #expect(try SampleState.load(again) == SampleState.values(step: 3))
        #expect(try temporary.names("distil") == ["step-00000002", "step-00000003"])
    }

    @Test("A failpoint of another step, place or launch is passed")
    func others() throws {
        for other in [
            Failpoint(.fail, at: .rename, step: 2), Failpoint(.fail, at: .journal, step: 1),
            Failpoint(.fail, at: .rename, step: 1, generation: 2),
        ] {
            try SampleState.save(step: 1, in: store(other))
        }
        #expect(try store().publishedSteps() == [1])
    }

    @Test("A failpoint is read from text as it is documented")
    func text() {
        #expect(Failpoint("die:rename:20") == Failpoint(.die, at: .rename, step: 20))
        #expect(Failpoint("fail:shard-flush:5:3") == Failpoint(.fail, at: .shardFlush, step: 5, generation: 3))
        for nonsense in ["", "die", "die:rename", "die:nowhere:5", "kill:rename:5", "die:rename:x", "die:rename:5:1:1"]
        {
            #expect(Failpoint(nonsense) == nil, "\(nonsense)")
        }
    }

    @Test("A save that is given up leaves nothing behind, and one that cannot be published is given up")
    func abandoned() throws {
        try SampleState.save(step: 1, in: store())
        let save = try store().beginSave(step: 2, generation: 1)
        _ = try store().writeShard(rank: 0, of: 2, tensors: [], in: save)
        let draft = CheckpointDraft(stage: "distil", step: 2, generation: 1, shards: [], metadata: [:])
        #expect(throws: CheckpointError.self) { try store().publishOrAbandon(draft) }
        #expect(try temporary.names("distil") == ["step-00000001"])
        try store().abandon(save)
    }

    @Test("Without room for a state and a reserve nothing is begun, and the message says how much is missing")
    func noSpace() throws {
        try SampleState.save(step: 1, in: store())
        #expect {
            try store().beginSave(step: 2, generation: 1, byteCount: 1 << 60)
        } throws: { error in
            guard case CheckpointError.noSpace(_, let needed, let free) = error else { return false }
            return needed > 1 << 60 && free < needed && !"\(error)".contains("\n")
        }
        #expect(try temporary.names("distil") == ["step-00000001"])
        try SampleState.save(step: 2, in: store())
        #expect(try store().publishedSteps() == [2, 1])
    }
}
