import Coordination
import TestSupport
import Testing

@Suite struct PlanWindowTests {
    private let window = PlanWindow(
        stage: "distil", firstStep: 1_000_000_007, kinds: [.criticAndStudent, .criticOnly, .single],
        checkpointAfter: [1_000_000_008, 1_000_000_010], stopsAtEnd: true)

    @Test("Bytes bring back the window")
    func roundTrip() throws {
        #expect(try PlanWindow(decoding: window.encoded) == window)
        let empty = PlanWindow(stage: "", firstStep: 0, kinds: [], finishesStage: true)
        #expect(try PlanWindow(decoding: empty.encoded) == empty)
    }

    @Test("No truncation of the bytes passes for a window")
    func truncation() {
        let bytes = window.encoded
        for count in 0..<bytes.count {
            #expect(throws: PlanWindowError.self) { try PlanWindow(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: PlanWindowError.self) { try PlanWindow(decoding: bytes + [0]) }
    }

    @Test("Arbitrary bytes are refused or read, never worse", arguments: 0..<200 as Range<UInt64>)
    func hostileBytes(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var bytes = window.encoded
        for _ in 0..<random.integer(in: 1...4) {
            bytes[random.integer(in: 0...bytes.count - 1)] = UInt8.random(in: .min ... .max, using: &random)
        }
        _ = try? PlanWindow(decoding: bytes)
    }
}
