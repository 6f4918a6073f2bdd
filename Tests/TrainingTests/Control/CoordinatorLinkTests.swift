import Checkpoints
import Coordination
import Foundation
import Messaging
import Synchronization
import Testing
import Training

/// The coordinator's state machine behind a real socket, on a thread of its own. Publishing always succeeds.
private final class StandInCoordinator: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let endpoint = Mutex<String?>(nil)
    private let entries = Mutex<[JournalEntry]>([])

    /// Serves a run of one rank; its first launch is number 1.
    init() {
        Thread.detachNewThread { self.serve() }
    }

    /// Where it listens, once it does.
    func address() throws -> String {
        for _ in 0..<500 where endpoint.withLock({ $0 == nil }) { usleep(10_000) }
        return try #require(endpoint.withLock { $0 })
    }

    var journal: [JournalEntry] { entries.withLock { $0 } }

    func end() { isOver.store(true, ordering: .relaxed) }

    private func serve() {
        do {
            let socket = try RouterSocket(Context(), bindingTo: Endpoint("tcp://127.0.0.1:*"))
            endpoint.withLock { $0 = socket.endpoint.description }
            var coordinator = Coordinator(runName: "test", pid: 1, rankCount: 1, restartBudget: 3)
            _ = coordinator.handle(.started, at: monotonicSeconds())
            while !isOver.load(ordering: .relaxed) {
                guard let delivery = try socket.receive(ClientMessage.self, timeoutMilliseconds: 20),
                    case .worker(let envelope) = try delivery.message.get()
                else { continue }
                var effects = coordinator.handle(.worker(envelope), at: monotonicSeconds())
                if case .publish(let checkpoint, let generation)? = effects.last {
                    let event = Coordinator.Event.published(
                        checkpoint, generation: generation, path: "p", manifestSHA256: "s")
                    effects += coordinator.handle(event, at: monotonicSeconds())
                }
                for effect in effects {
                    switch effect {
                    case .reply(let message), .tellRankZero(let message):
                        try socket.send(ServerMessage.worker(generation: 1, message: message), to: delivery.peer)
                    case .record(let entry): entries.withLock { $0.append(entry) }
                    default: break
                    }
                }
            }
        } catch {
            Issue.record("stand-in coordinator: \(error)")
        }
    }
}

@Suite struct CoordinatorLinkTests {
    private let stage = StageDeclaration(
        name: "distil", index: 0, count: 1, goal: .studentUpdates(count: 2, ratio: 3), checkpointInterval: 0,
        windowSteps: 4)

    private func link(
        to endpoint: String, generation: Int = 1, patienceSeconds: Double = 60,
        onSupersession: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> CoordinatorLink {
        try CoordinatorLink(
            connectingTo: endpoint, as: .init(generation: generation, rank: 0, rankCount: 1),
            patienceSeconds: patienceSeconds, onSupersession: onSupersession)
    }

    @Test("A stage is run through: windows, progress, a checkpoint, the end")
    func wholeStage() throws {
        let coordinator = StandInCoordinator()
        defer { coordinator.end() }
        let link = try link(to: coordinator.address())
        try link.beginStage(stage)
        var step = 0
        var kinds: [StepKind] = []
        while kinds.count < 6 {
            let window = try link.window(stage: "distil", from: step)
            kinds += window.kinds
            for _ in window.kinds {
                step += 1
                link.report(
                    ProgressReport(
                        stage: "distil", step: step, totalSteps: 6, phase: .training, metrics: [("share", .nan)]))
            }
        }
        let draft = CheckpointDraft(stage: "distil", step: 6, generation: 1, shards: [], metadata: [:])
        try link.beginPublishing(draft)
        try link.awaitPublication()
        #expect(try link.hasPublished(), "nothing is under way")
        try link.stageFinished("distil", step: step)
        try link.finished()

        #expect(kinds.map { $0 == .criticAndStudent } == [true, false, false, true, false, false])
        let journal = coordinator.journal
        let steps = journal.flatMap { entry -> [StepKind] in
            if case .stepsCompleted(_, _, _, let kinds) = entry { kinds } else { [] }
        }
        #expect(steps == kinds, "every step is journalled once")
        let rows = journal.flatMap { entry -> [MetricRow] in
            if case .metrics(let rows) = entry { rows } else { [] }
        }
        #expect(rows.filter { $0.name == "share" }.map(\.step) == [0, 1, 2, 3, 4, 5])
        #expect(rows.contains { $0.name == "memory.resident.0" && $0.value > 0 })
        #expect(rows.contains { $0.name == "memory.pool.0" })
        #expect(
            journal.contains(.checkpointCommitted(stage: "distil", step: 6, path: "p", manifestSHA256: "s")))
    }

    @Test("A request to a coordinator that is gone fails when its patience ends")
    func coordinatorLost() throws {
        let unused = try RouterSocket(Context(), bindingTo: Endpoint("tcp://127.0.0.1:*")).endpoint.description
        let link = try link(to: unused, patienceSeconds: 0.5)
        let error = #expect(throws: ControlError.self) { try link.beginStage(stage) }
        #expect(error?.exitStatus == .stoppedResumable)
    }

    @Test("A worker of another launch is told to leave")
    func superseded() throws {
        let coordinator = StandInCoordinator()
        defer { coordinator.end() }
        let told = DispatchSemaphore(value: 0)
        let link = try link(to: coordinator.address(), generation: 7) { _ in told.signal() }
        // The stand-in answers under its own generation, as a coordinator does; the worker must hear it all the same.
        #expect(throws: ControlError.self) { try link.beginStage(stage) }
        #expect(told.wait(timeout: .now() + 5) == .success)
    }
}
