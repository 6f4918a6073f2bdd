import Checkpoints
import Testing

struct RetentionPolicyTests {
    private let steps = [90, 80, 70, 60, 50, 40, 30, 20, 10]

    private func outdated(
        _ policy: RetentionPolicy, damaged: Set<Int> = []
    ) throws -> [Int] {
        try policy.outdated(steps) { !damaged.contains($0) }
    }

    @Test("The newest sound ones stay, the rest goes")
    func keepLast() throws {
        #expect(try outdated(RetentionPolicy()) == [60, 50, 40, 30, 20, 10])
        #expect(try outdated(RetentionPolicy(keepLast: 2)) == [70, 60, 50, 40, 30, 20, 10])
        #expect(try outdated(RetentionPolicy(keepLast: 9)).isEmpty)
    }

    @Test("A damaged one does not count, and none goes while too few are sound")
    func damaged() throws {
        #expect(try outdated(RetentionPolicy(keepLast: 2), damaged: [90, 70]) == [50, 40, 30, 20, 10])
        #expect(try outdated(RetentionPolicy(keepLast: 2), damaged: Set(steps.dropLast())).isEmpty)
    }

    @Test("Multiples of keepEvery stay for good")
    func keptForGood() throws {
        #expect(try outdated(RetentionPolicy(keepEvery: 20)) == [50, 30, 10])
        #expect(try outdated(RetentionPolicy(keepEvery: 40)) == [60, 50, 30, 20, 10])
    }

    @Test("Only as many are judged as must be known to be sound")
    func judged() throws {
        var judged: [Int] = []
        _ = try RetentionPolicy().outdated(steps) { step in
            judged.append(step)
            return true
        }
        #expect(judged == [90, 80, 70])
    }
}
