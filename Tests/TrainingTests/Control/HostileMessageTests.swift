import Coordination
import Foundation
import Messaging
import Testing
import Training

/// The decoder, the rights and the state machine as the coordinator uses them, fed with what nobody should send.
/// `scripts/fuzz` runs a million.
@Suite struct HostileMessageTests {
    private static let generation = 1_000_003
    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["DMD2_FUZZ_MESSAGES"].flatMap { Int($0) } ?? 20_000
    private static let seed = environment["DMD2_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

    /// A coordinator in the middle of a stage, and what its workers have said.
    private struct Subject {
        var coordinator = Coordinator(
            runName: "test", pid: 1, rankCount: 2, restartBudget: 3,
            lastGeneration: HostileMessageTests.generation - 1)
        var history: [WorkerEnvelope] = []

        init() {
            _ = coordinator.handle(.started, at: 0)
            let stage = StageDeclaration(
                name: "distil", index: 1, count: 3, goal: .studentUpdates(count: 40, ratio: 5), checkpointInterval: 2,
                windowSteps: 8)
            let checkpoint = PreparedCheckpoint(stage: "distil", step: 2, content: "{}")
            say(.hello(host: "a", pid: 1, ranks: 2), rank: 1)
            say(.hello(host: "a", pid: 2, ranks: 2))
            say(.beginStage(stage: stage))
            for step in [0, 1, 3] { say(.planRequest(stage: "distil", firstStep: step)) }
            for step in 1...3 { for rank in 0..<2 { say(.heartbeat(heartbeat: heartbeat(step: step)), rank: rank) } }
            say(.checkpointPrepared(checkpoint: checkpoint))
            _ = coordinator.handle(
                .published(checkpoint, generation: HostileMessageTests.generation, path: "p", manifestSHA256: "s"),
                at: 1)
        }

        private func heartbeat(step: Int) -> Heartbeat {
            Heartbeat(
                stage: "distil", step: step, totalSteps: 200, phase: .training, progressCounter: step,
                slowestStepSeconds: 1, stepsPerSecond: 2, imagesPerSecond: 128,
                metrics: [.init(stage: "distil", step: step - 1, name: "loss.denoising", value: 0.5)])
        }

        private mutating func say(_ message: WorkerMessage, rank: Int = 0) {
            let envelope = WorkerEnvelope(generation: HostileMessageTests.generation, rank: rank, message: message)
            history.append(envelope)
            _ = coordinator.handle(.worker(envelope), at: 1)
        }

        /// Takes a message as the program does; nil if it was no message or not allowed.
        mutating func take(_ frames: [[UInt8]], role: KeyRole?) -> [Coordinator.Effect]? {
            guard let message = try? WireFormat.value(ClientMessage.self, of: frames[...]), message.isAllowed(to: role)
            else { return nil }
            switch message {
            case .worker(let envelope): return coordinator.handle(.worker(envelope), at: 1)
            case .control(let request): return coordinator.handle(.control(request), at: 1)
            }
        }
    }

    /// Every property of the state, however deep.
    private func state(of subject: Subject) -> String { String(reflecting: subject.coordinator) }

    @Test("Nothing that is damaged, old, doubled or not allowed crashes the coordinator or changes its state")
    func unchanged() throws {
        var subject = Subject()
        let before = state(of: subject)
        var messages = try HostileMessages(seed: Self.seed, history: subject.history, generation: Self.generation)
        var seen: [HostileMessages.Kind: Int] = [:]
        var memoryBefore = 0
        for index in 0..<Self.count {
            let delivery = messages.next()
            seen[delivery.kind, default: 0] += 1
            for effect in subject.take(delivery.frames, role: delivery.role) ?? [] {
                if isHarmless(effect) { continue }
                Issue.record("message \(index) of seed \(Self.seed), \(delivery.kind): \(effect)")
            }
            if index.isMultiple(of: 1000), state(of: subject) != before {
                Issue.record("state changed by message \(index) of seed \(Self.seed), or one of the 999 before it")
                break
            }
            if index == Self.count / 10 { memoryBefore = residentBytes() }
        }
        #expect(state(of: subject) == before)
        #expect(seen.keys.count == HostileMessages.Kind.allCases.count || Self.count < 20_000, "\(seen)")
        // Other tests run beside a small number of messages; a large one is run alone. After a tenth of it buffers
        // have their size, and what is lost per message would show: 16 MiB in 900,000 messages is 18 bytes each.
        if Self.count >= 100_000 {
            let grown = residentBytes() - memoryBefore
            #expect(grown < 16 << 20, "\(grown) bytes more after \(Self.count) messages")
            FileHandle.standardError.write(
                Data("fuzz: \(Self.count) messages, seed \(Self.seed), memory grew by \(grown) bytes\n".utf8))
        }
    }

    @Test("A sound key does not make a sound message: whatever a worker of this launch says, nothing crashes")
    func damagedByWorker() throws {
        var messages = try HostileMessages(seed: Self.seed, history: Subject().history, generation: Self.generation)
        for _ in 0..<max(20, Self.count / 1000) {
            // State may change here, so each round has its own.
            var subject = Subject()
            for _ in 0..<100 {
                _ = subject.take(messages.damaged(), role: .worker)
                _ = try WireFormat.encode(subject.coordinator.status(at: 2))
            }
            _ = subject.coordinator.handle(.tick, at: 100)
        }
    }

    /// Answers, and metrics that replace their own rows in the journal.
    private func isHarmless(_ effect: Coordinator.Effect) -> Bool {
        switch effect {
        case .reply, .answer, .record(.metrics): true
        default: false
        }
    }

    private func residentBytes() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (pages?.dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }
}
