import Checkpoints
import Testing

@testable import Training

struct NodeGroupsTests {
    @Test("Every share is written on its rank's machine and on the next one, whatever the number of ranks on each")
    func shares() {
        for nodes in [
            ["a", "a", "b", "b"], ["a", "b"], ["a", "a", "a", "b"], ["a", "b", "b", "b", "c"], ["a", "b", "a", "b"],
        ] {
            let groups = NodeGroups(nodes: nodes)
            let order = nodes.enumerated().filter { groups.isLeader($0.offset) }.map(\.element)
            for owner in nodes.indices {
                let writers = nodes.indices.filter { groups.shares(writtenBy: $0).contains(owner) }
                let home = order.firstIndex(of: nodes[owner]) ?? 0
                #expect(
                    Set(writers.map { nodes[$0] }) == [nodes[owner], order[(home + 1) % order.count]],
                    "\(nodes): share \(owner) is written by \(writers)")
                #expect(writers.count == 2)
                #expect(groups.shares(writtenBy: owner).first == owner)
            }
        }
    }

    @Test("One machine keeps no copies: they would be lost with it")
    func oneMachine() {
        let groups = NodeGroups(nodes: ["a", "a", "a"])
        #expect((0..<3).map(groups.shares(writtenBy:)) == [[0], [1], [2]])
        #expect(groups.sharesOnNode(of: 2) == [0, 1, 2])
        #expect((0..<3).map(groups.isLeader) == [true, false, false])
    }

    @Test("Copies are spread over the ranks of the next machine")
    func spread() {
        let groups = NodeGroups(nodes: ["a", "a", "a", "a", "b", "b"])
        #expect(groups.shares(writtenBy: 4) == [4, 0, 2])
        #expect(groups.shares(writtenBy: 5) == [5, 1, 3])
        #expect(groups.shares(writtenBy: 0) == [0, 4])
    }
}

struct FileReadersTests {
    private let groups = NodeGroups(nodes: ["a", "a", "b"])

    @Test("Each file is read by a rank that has it, a damaged copy's by one of another machine")
    func search() {
        var search = FileReaders(files: ["x", "y"], held: [["x", "y"], ["x", "y"], ["x"]], groups: groups)
        #expect(search.proposal == .check(["x": 0, "y": 1]))
        search.reject("x", onNodeOf: 0)
        search.noteChecked(["x": 0, "y": 1])
        #expect(search.proposal == .check(["x": 2]))
        search.noteChecked(["x": 2])
        #expect(search.proposal == .settled(["x": 2, "y": 1]))
    }

    @Test("A file that no machine has left as it was written is named")
    func nowhere() {
        var search = FileReaders(files: ["x", "y"], held: [["x"], ["x"], []], groups: groups)
        #expect(search.proposal == .impossible(file: "y"))
        search = FileReaders(files: ["x"], held: [["x"], ["x"], ["x"]], groups: groups)
        for rank in [1, 2] {
            search.reject("x", onNodeOf: rank)
            search.noteChecked(["x": rank])
        }
        #expect(search.proposal == .impossible(file: "x"))
    }
}

struct WrittenShardsTests {
    private static func record(_ rank: Int, _ hash: String) -> ShardRecord {
        ShardRecord(
            rank: rank, rankCount: 2, file: "\(rank)", fingerprint: FileFingerprint(byteCount: 1, sha256: hash),
            tensors: [:])
    }

    @Test("Copies with the hash of what they are copies of are taken; what counts of the times is the slowest rank's")
    func sound() throws {
        let written = try WrittenShards([
            .written([Self.record(0, "x"), Self.record(1, "y")], WritingSeconds(total: 3, hashing: 1)),
            .written([Self.record(1, "y"), Self.record(0, "x")], WritingSeconds(total: 2, hashing: 2)),
        ])
        #expect(written.shards.map(\.rank) == [0, 1])
        #expect(written.seconds == WritingSeconds(total: 3, hashing: 1))
    }

    @Test("A copy that differs names both ranks: one of them holds a wrong state")
    func differing() {
        #expect(throws: WrittenShards.Failure.copyDiffers(rank: 1, of: 0)) {
            try WrittenShards([
                .written([Self.record(0, "x")], WritingSeconds()),
                .written([Self.record(1, "y"), Self.record(0, "z")], WritingSeconds()),
            ])
        }
    }

    @Test("A rank that could not write is named")
    func notWritten() {
        #expect(throws: WrittenShards.Failure.notWritten(rank: 1, reason: "no room")) {
            try WrittenShards([.written([Self.record(0, "x")], WritingSeconds()), .failed("no room")])
        }
    }
}
