import Coordination
import Foundation
import Journal
import TestSupport
import Testing
import Training

@Suite struct ConversationTests {
    private let stage = StageDeclaration(
        name: "distil", index: 0, count: 1, goal: .steps(count: 100), checkpointInterval: 0, windowSteps: 4)

    private func welcomed() -> Conversation {
        var conversation = Conversation(hello: .hello(host: "a", pid: 1, ranks: 1), startingAt: 0)
        #expect(conversation.messagesToSend(at: 0) == [.hello(host: "a", pid: 1, ranks: 1)])
        conversation.receive(.welcome, at: 0)
        return conversation
    }

    private func report(_ conversation: inout Conversation, step: Int, at now: Double) {
        conversation.ledger.add(
            ProgressReport(
                stage: "distil", step: step, totalSteps: 100, phase: .training, metrics: [("loss", Double(step))]),
            at: now)
    }

    /// The heartbeats among messages, as the steps whose metrics they carry and their number.
    private func heartbeats(_ messages: [WorkerMessage]) -> [(steps: [Int], number: Int?)] {
        messages.compactMap {
            if case .heartbeat(let heartbeat) = $0 { (heartbeat.metrics.map(\.step), heartbeat.number) } else { nil }
        }
    }

    @Test("Metrics are sent once where they are answered")
    func answered() {
        var conversation = welcomed()
        report(&conversation, step: 1, at: 0.1)
        let first = heartbeats(conversation.messagesToSend(at: 0.2))
        #expect(first.map(\.steps) == [[0]])
        conversation.receive(.heartbeatSeen(number: first[0].number), at: 0.3)
        for now in 1...5 {
            #expect(heartbeats(conversation.messagesToSend(at: Double(now) + 0.2)).map(\.steps) == [[]])
        }
    }

    @Test("The second answer to what was asked twice does not count for the next question")
    func answeredTwice() {
        var conversation = welcomed()
        let (first, second) = (
            WorkerMessage.stageFinished(stage: "distil", step: 100), WorkerMessage.finished
        )
        conversation.ask(first)
        #expect(conversation.messagesToSend(at: 0.1).last == first)
        #expect(conversation.messagesToSend(at: 2.2).last == first)
        conversation.receive(.noted, at: 3)
        #expect(conversation.takeAnswer(to: first) == .done)
        conversation.ask(second)
        conversation.receive(.noted, at: 3.1)
        #expect(conversation.takeAnswer(to: second) == nil)
        #expect(conversation.messagesToSend(at: 3.2).last == second)
        conversation.receive(.noted, at: 3.3)
        #expect(conversation.takeAnswer(to: second) == .done)
    }

    @Test("A question that cannot be sent is answered in the coordinator's place")
    func givenUp() {
        var conversation = welcomed()
        let save = WorkerMessage.checkpointPrepared(
            checkpoint: PreparedCheckpoint(stage: "distil", step: 4, content: "long"))
        conversation.ask(save)
        #expect(conversation.messagesToSend(at: 0.1).last == save)
        conversation.giveUp(save, reason: "too long")
        #expect(conversation.takeAnswer(to: save) == .failed("too long"))
        #expect(!conversation.messagesToSend(at: 10).contains(save))
    }

    @Test("Metrics that a new coordinator did not take are sent again once it knows the rank, before any question")
    func sentAgain() {
        var conversation = welcomed()
        report(&conversation, step: 1, at: 0.1)
        #expect(heartbeats(conversation.messagesToSend(at: 0.2)).map(\.steps) == [[0]])
        report(&conversation, step: 2, at: 0.3)
        conversation.ask(.planRequest(stage: "distil", firstStep: 2))
        #expect(heartbeats(conversation.messagesToSend(at: 0.4)).map(\.steps) == [[1]])
        conversation.receive(.helloWanted, at: 0.5)
        #expect(conversation.messagesToSend(at: 0.5) == [.hello(host: "a", pid: 1, ranks: 1)])
        conversation.receive(.welcome, at: 0.6)
        let messages = conversation.messagesToSend(at: 0.6)
        #expect(heartbeats(Array(messages.prefix(1))).map(\.steps) == [[0, 1]])
        #expect(messages.last == .planRequest(stage: "distil", firstStep: 2))
    }

    @Test("Metrics without an answer are sent again after a while, under another number")
    func lost() {
        var conversation = welcomed()
        report(&conversation, step: 1, at: 0.1)
        let first = heartbeats(conversation.messagesToSend(at: 0.2))
        #expect(heartbeats(conversation.messagesToSend(at: 1.3)).map(\.steps) == [[]])
        let again = heartbeats(conversation.messagesToSend(at: 2.3))
        #expect(again.map(\.steps) == [[0]])
        #expect(again[0].number != first[0].number)
        // The answer to the first, which was only late, says nothing about the second; both may arrive.
        conversation.receive(.heartbeatSeen(number: again[0].number), at: 2.4)
        conversation.receive(.heartbeatSeen(number: first[0].number), at: 2.4)
        #expect(heartbeats(conversation.messagesToSend(at: 5)).map(\.steps) == [[]])
    }

    @Test(
        "Whatever has happened, nothing is to be sent before the next due moment, and something is then",
        arguments: 1...20 as ClosedRange<UInt64>)
    func nextDue(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var conversation = Conversation(hello: .hello(host: "a", pid: 1, ranks: 1), startingAt: 0)
        var now = 0.0
        for step in 1...200 {
            now += Double.random(in: 0...1.5, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: conversation.receive(.welcome, at: now)
            case 1: conversation.receive(.helloWanted, at: now)
            case 2: conversation.ask(.planRequest(stage: "distil", firstStep: step))
            case 3: conversation.receive(.heartbeatSeen(number: step), at: now)
            default: report(&conversation, step: step, at: now)
            }
            _ = conversation.messagesToSend(at: now)
            let due = conversation.nextDue
            #expect(due > now)
            // A copy each: asking for messages takes them.
            var (before, then) = (conversation, conversation)
            #expect(before.messagesToSend(at: due - 1e-3).isEmpty)
            #expect(!then.messagesToSend(at: due + 1e-6).isEmpty)
        }
    }

    @Test(
        "A coordinator that dies costs no metric, no window and no launch: the ratio is decided as it would have been",
        arguments: 1...8 as ClosedRange<UInt64>)
    func coordinatorDies(seed: UInt64) throws {
        var undisturbed = try Line(seed: 0, deaths: 0)
        try undisturbed.run()
        let expected = try #require(undisturbed.journal.ratioSchedules()["distil"])
        // Several decisions, and not all to stay.
        #expect(Set(expected.segments.map(\.ratio)).count > 1 && expected.segments.count > 3)

        var line = try Line(seed: seed, deaths: 6)
        try line.run()
        #expect(line.deaths == 0, "all six have happened")
        #expect(line.trouble == [])
        #expect(try line.journal.ratioSchedules()["distil"] == expected)
        let student = (0..<line.step).filter { expected.kind(of: $0) == .criticAndStudent }
        #expect(try line.journal.metric(StudentMetric.brightness.rawValue, stage: "distil").map(\.step) == student)
    }
}

/// Rank 0's side and the coordinator on a virtual clock, and the line between them: what lies in it when a coordinator
/// dies is lost, in both directions. The next coordinator reads the journal.
private struct Line {
    let journal: Journal
    private(set) var deaths: Int
    private(set) var step = 0
    /// What a launch that nothing happened to does not do.
    private(set) var trouble: [String] = []
    private let folder = TemporaryRun()
    private var random: SplitMix
    private var coordinator = Coordinator(runName: "test", pid: 1, rankCount: 1, restartBudget: 3)
    private var conversation = Conversation(hello: .hello(host: "a", pid: 1, ranks: 1), startingAt: 0)
    private var now = 0.0
    private var returnsAt: Double?
    private var window: PlanWindow?
    private var toCoordinator: [WorkerMessage] = []
    private var toRank: [CoordinatorMessage] = []

    private static let stage = StageDeclaration(
        name: "distil", index: 0, count: 1,
        goal: .studentUpdates(count: 150, ratio: 1, control: RatioControl(batch: 64)), checkpointInterval: 0,
        windowSteps: 32)

    init(seed: UInt64, deaths: Int) throws {
        random = SplitMix(seed: seed)
        self.deaths = deaths
        try FileManager.default.createDirectory(atPath: folder.folder, withIntermediateDirectories: true)
        journal = try Journal.writing(path: folder.layout.journal)
    }

    /// Runs the stage to its end, or for so long that it must have been.
    mutating func run() throws {
        try deliver(.started)
        conversation.ask(.beginStage(stage: Self.stage))
        ask(from: 0)
        while now < 600 {
            now += 0.1
            try liveOrDie()
            for message in toRank { conversation.receive(message, at: now) }
            toRank = []
            if work() { return }
            // That a connection is gone is not noticed at once: what is sent meanwhile is lost.
            if returnsAt == nil || chance(3) { toCoordinator += conversation.messagesToSend(at: now) }
            if returnsAt != nil { toCoordinator = [] }
            // Read in bursts, so that some of it is in the line when the reader dies.
            guard returnsAt == nil, chance(2) else { continue }
            let messages = toCoordinator
            toCoordinator = []
            for message in messages {
                try deliver(.worker(.init(generation: 1, rank: 0, message: message)))
            }
            try deliver(.tick)
        }
        trouble.append("step \(step) after \(now) s")
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func liveOrDie() throws {
        if let returnsAt {
            guard now >= returnsAt else { return }
            self.returnsAt = nil
            coordinator = Coordinator(
                runName: "test", pid: 1, hosts: HostPool(ranksHere: 1), restartBudget: 3,
                history: try journal.history(),
                resuming: try journal.liveLaunch(1, on: LaunchPlacement(ranksHere: 1)), at: now)
            try deliver(.resumed)
        } else if deaths > 0, now > 1, chance(12) {
            deaths -= 1
            returnsAt = now + Double.random(in: 0...4, using: &random)
            (toCoordinator, toRank) = ([], [])
        }
    }

    private mutating func ask(from step: Int) {
        conversation.ask(.planRequest(stage: "distil", firstStep: step))
    }

    /// A step, ten a second, if it is granted. True once the coordinator knows that the stage is complete.
    private mutating func work() -> Bool {
        if window.map({ step == $0.endStep }) ?? true {
            guard window?.finishesStage != true else {
                return conversation.takeAnswer(to: .stageFinished(stage: "distil", step: step)) != nil
            }
            guard
                case .window(let next)? = conversation.takeAnswer(
                    to: .planRequest(stage: "distil", firstStep: step))
            else { return false }
            window = next
            if !next.finishesStage { ask(from: next.endStep) }
        }
        guard let window else { return false }
        let isStudents = window.kinds[step - window.firstStep] == .criticAndStudent
        let lag = step / 40 % 3 == 0 ? 0.2 : -0.2
        let measured: [(StudentMetric, Double)] = [
            (.criticError, 2 * (1 + lag)), (.teacherError, 2), (.brightness, -0.4), (.brightnessSquare, 0.17),
        ]
        step += 1
        defer {
            if window.finishesStage, step == window.endStep {
                conversation.ask(.stageFinished(stage: "distil", step: step))
            }
        }
        conversation.ledger.add(
            ProgressReport(
                stage: "distil", step: step, totalSteps: 1000, phase: .training,
                metrics: isStudents ? measured.map { (name: $0.0.rawValue, value: $0.1) } : []),
            at: now)
        return false
    }

    private mutating func deliver(_ event: Coordinator.Event) throws {
        for effect in coordinator.handle(event, at: now) {
            switch effect {
            case .reply(let message), .tellRankZero(let message): toRank.append(message)
            case .record(let entry): try journal.record(entry)
            case .supervise(.launch(generation: 1)): break
            case .supervise(let effect): trouble.append("\(effect) at step \(step)")
            default: break
            }
        }
    }
}
