import Coordination
import Testing

@Suite struct MembershipTests {
    private func present(_ ranks: Int) -> Membership {
        var membership = Membership(size: ranks, launchedAt: 0)
        for rank in 0..<ranks { membership.hello(rank: rank, host: "a", pid: Int32(100 + rank), at: 0) }
        return membership
    }

    private func training(_ counter: Int, collectives: Int = 0, slowest: Double = 0) -> Heartbeat {
        Heartbeat(
            stage: "teacher", phase: .training, progressCounter: counter, collectives: collectives,
            slowestStepSeconds: slowest)
    }

    @Test("A rank that never reports is lost two minutes after the launch")
    func missing() {
        var membership = Membership(size: 2, launchedAt: 0)
        membership.hello(rank: 0, host: "a", pid: 1, at: 119)
        #expect(membership.loss(at: 119) == nil)
        #expect(membership.loss(at: 121)?.rank == 1)
    }

    @Test("Ten seconds of silence are death, the longest silence names the rank")
    func silence() {
        var membership = present(2)
        _ = membership.heartbeat(rank: 0, training(1), at: 4)
        #expect(membership.loss(at: 10) == nil)
        #expect(membership.loss(at: 10.5)?.rank == 1)
    }

    @Test("A rank that lives but stands still is hung, and the one that did least is to blame")
    func standstill() {
        var membership = present(3)
        for rank in 0..<3 { _ = membership.heartbeat(rank: rank, training(rank == 1 ? 6 : 7), at: 1) }
        for second in 2...31 {
            for rank in 0..<3 {
                _ = membership.heartbeat(rank: rank, training(rank == 1 ? 6 : 7), at: Double(second))
            }
            #expect(membership.loss(at: Double(second)) == nil)
        }
        for rank in 0..<3 { _ = membership.heartbeat(rank: rank, training(rank == 1 ? 6 : 7), at: 32) }
        #expect(membership.loss(at: 32)?.rank == 1)
    }

    @Test("Of ranks that did as much, the one that has not come to where the others wait is to blame")
    func collateral() {
        var membership = present(3)
        // Rank 2 got something done a moment after the others, and has not entered their 41st operation.
        for (rank, entered, at) in [(0, 41, 1.0), (1, 41, 1.0), (2, 40, 1.5)] {
            _ = membership.heartbeat(rank: rank, training(7, collectives: entered), at: at)
        }
        for second in 2...31 {
            for (rank, entered) in [(0, 41), (1, 41), (2, 40)] {
                _ = membership.heartbeat(rank: rank, training(7, collectives: entered), at: Double(second))
            }
        }
        #expect(membership.loss(at: 31) == nil)
        let loss = membership.loss(at: 31.2)
        #expect(loss?.rank == 2)
        #expect(loss?.reason.hasSuffix("2 of 3 ranks wait for it") == true)
    }

    @Test("Slow steps raise the limit: twenty of them may pass")
    func slowSteps() {
        var membership = present(1)
        _ = membership.heartbeat(rank: 0, training(1, slowest: 10), at: 1)
        for second in 2...201 { _ = membership.heartbeat(rank: 0, training(1, slowest: 10), at: Double(second)) }
        #expect(membership.loss(at: 201) == nil)
        _ = membership.heartbeat(rank: 0, training(1, slowest: 10), at: 202)
        #expect(membership.loss(at: 202) != nil)
    }

    @Test("A heartbeat of a rank that never said hello is not counted")
    func unknownRank() {
        var membership = Membership(size: 1, launchedAt: 0)
        let isKnown = membership.heartbeat(rank: 0, training(1), at: 1)
        #expect(!isKnown)
        #expect(!membership.isComplete)
    }
}
