import Coordination
import Foundation
import Testing

@Suite struct MessageTests {
    private static let stage = StageDeclaration(
        name: "distil", index: 1, count: 3, goal: .studentUpdates(count: 4, ratio: 5), checkpointInterval: 10,
        windowSteps: 8)

    static let clientMessages: [ClientMessage] =
        [
            .hello(host: "a", pid: 1, ranks: 2),
            .heartbeat(
                heartbeat: Heartbeat(
                    stage: "distil", step: 3, phase: .training,
                    metrics: [.init(stage: "distil", step: 2, name: "loss.critic", value: 0.5)], number: 3)),
            .beginStage(stage: stage), .planRequest(stage: "distil", firstStep: 3),
            .checkpointPrepared(checkpoint: .init(stage: "distil", step: 3, content: "{}")),
            .checkpointDropped(stage: "distil", step: 3, reason: "disk full"),
            .stageFinished(stage: "distil", step: 3), .finished, .failed(exitCode: 65, reason: "cut short"),
        ].map { .worker(envelope: .init(generation: 3, rank: 1, message: $0)) }
        + [.status, .setRatio(ratio: 7), .checkpointNow, .stop].map { .control(request: $0) }

    static let serverMessages: [ServerMessage] =
        [
            .welcome, .superseded(reason: "old"), .refused(reason: "no"), .helloWanted, .heartbeatSeen(number: nil),
            .heartbeatSeen(number: 3), .stageBegun(stage: "distil"),
            .plan(window: PlanWindow(stage: "distil", firstStep: 0, kinds: [.criticOnly])),
            .checkpointCommitted(stage: "distil", step: 3),
            .checkpointFailed(stage: "distil", step: 3, reason: "disk full"), .noted,
        ].map { .worker(generation: 3, message: $0) } + [
            .control(reply: .accepted(step: 3, message: "ok")), .control(reply: .refused(reason: "no")),
            .control(
                reply: .status(
                    run: Coordinator(runName: "r", pid: 1, rankCount: 1, restartBudget: 3).status(at: 0))),
            .unreadable(reason: "what"),
        ]

    @Test("JSON brings back every message of a client", arguments: clientMessages)
    func client(message: ClientMessage) throws {
        let bytes = try JSONEncoder().encode(message)
        #expect(try JSONDecoder().decode(ClientMessage.self, from: bytes) == message)
    }

    @Test("JSON brings back every message of the coordinator", arguments: serverMessages)
    func server(message: ServerMessage) throws {
        let bytes = try JSONEncoder().encode(message)
        #expect(try JSONDecoder().decode(ServerMessage.self, from: bytes) == message)
    }

    /// A heartbeat over the border between two stages, with updates of critic and student.
    private static let rows: [MetricRow] =
        [.init(stage: "classifier", step: 5, name: "loss", value: 0.25)]
        + (0..<7).flatMap { step -> [MetricRow] in
            let critic = [MetricRow(stage: "distil", step: step, name: "loss.denoising", value: 1 / Double(step + 3))]
            guard step.isMultiple(of: 5) else { return critic }
            return [.init(stage: "distil", step: step, name: "loss.matching", value: -0.1 * Double(step))] + critic
        }

    @Test("Metrics come back in their order, each name sent once")
    func metrics() throws {
        let heartbeat = Heartbeat(stage: "distil", step: 7, metrics: Self.rows)
        let bytes = try JSONEncoder().encode(heartbeat)
        #expect(try JSONDecoder().decode(Heartbeat.self, from: bytes).metrics == Self.rows)
        #expect(String(decoding: bytes, as: UTF8.self).matches(of: /loss.denoising/).count == 1)
    }

    @Test("Metrics of which some have no step or no value are no heartbeat")
    func raggedMetrics() throws {
        let whole = String(decoding: try JSONEncoder().encode(Heartbeat(metrics: Self.rows)), as: UTF8.self)
        for steps in ["5 6", "", "five", "5,6", "5.5"] {
            let ragged = whole.replacing(#""steps":"5""#, with: #""steps":"\#(steps)""#)
            #expect(ragged != whole)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(Heartbeat.self, from: Data(ragged.utf8)) }
        }
    }

    @Test("Values that are no numbers travel too", arguments: [Double.infinity, -.infinity, .nan, 0x1p-1074, 1 / 3])
    func odd(value: Double) throws {
        let row = MetricRow(stage: "distil", step: 5, name: "loss.denoising", value: value)
        let bytes = try JSONEncoder().encode(Heartbeat(metrics: [row]))
        let received = try JSONDecoder().decode(Heartbeat.self, from: bytes).metrics
        #expect(received.map(\.value.bitPattern) == [value.bitPattern])
    }

    @Test("What a plan looks like on the wire stays as it is, and unknown fields are ignored")
    func golden() throws {
        let text = """
            {"worker":{"envelope":{"generation":3,"rank":0,"later":true,
            "message":{"planRequest":{"firstStep":12,"stage":"distil","later":[1]}}}}}
            """
        let message = try JSONDecoder().decode(ClientMessage.self, from: Data(text.utf8))
        let request = WorkerMessage.planRequest(stage: "distil", firstStep: 12)
        #expect(message == .worker(envelope: .init(generation: 3, rank: 0, message: request)))
    }

    @Test("Exit statuses keep their numbers")
    func exitStatuses() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 1, 2, 65, 66, 69, 73, 75, 77, 78, 79, 93, 94])
    }
}
