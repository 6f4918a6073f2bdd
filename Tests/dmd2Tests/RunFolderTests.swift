import Checkpoints
import Coordination
import Foundation
import Journal
import Messaging
import Testing
import dmd2

/// A run folder with a coordinator that gives these answers; `requests` is what it was asked.
private func withCoordinator<Result>(
    answering replies: [ControlReply], _ body: (RunFolder) throws -> Result
) throws -> (result: Result, requests: [ClientMessage]) {
    let path = NSTemporaryDirectory() + "dmd2-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }

    let coordinator = StandInCoordinator(replies: replies)
    let endpoint = try coordinator.start()
    let address = CoordinatorAddress(
        endpoint: endpoint, pid: ProcessInfo.processInfo.processIdentifier, generation: 1, processGroup: 0)
    try JSONEncoder().encode(address).write(to: URL(fileURLWithPath: "\(path)/coordinator.json"))
    let result = try body(RunFolder(path: path))
    return (result, coordinator.requests())
}

struct RunFolderTests {
    @Test("A live coordinator is asked for its status")
    func status() throws {
        let status = try sampleStatus()
        let (answer, requests) = try withCoordinator(answering: [.status(run: status)]) { try $0.status() }
        #expect(answer == status)
        #expect(requests == [.control(request: .status)])
    }

    @Test("A refusal is a failure with the coordinator's reason")
    func refusal() throws {
        _ = try withCoordinator(answering: [.refused(reason: "no student in this stage")]) { folder in
            #expect {
                try folder.order(.setRatio(ratio: 10))
            } throws: { error in
                "\(error)".contains("refused: no student in this stage")
            }
        }
    }

    @Test("A folder without a coordinator, or with a dead one, says so and how to start one")
    func noCoordinator() throws {
        let folder = RunFolder(path: "/no/such/run")
        #expect(folder.liveCoordinator == nil)
        #expect {
            try folder.ask(.stop)
        } throws: { error in
            (error as? CommandFailure)?.status == .unavailable
        }
    }

    @Test("A coordinator on another machine lives while it holds the run's lock, and is asked only where it listens")
    func otherMachine() throws {
        let path = NSTemporaryDirectory() + "dmd2-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let address = CoordinatorAddress(
            endpoint: "tcp://127.0.0.1:9", pid: getpid(), generation: 1, processGroup: 0, host: "no-such-machine")
        try JSONEncoder().encode(address).write(to: URL(fileURLWithPath: "\(path)/coordinator.json"))
        let folder = RunFolder(path: path)
        #expect(folder.liveCoordinator == nil)
        let lock = try RunLock(path: "\(path)/lock")
        #expect(folder.liveCoordinator == address)
        #expect {
            try folder.ask(.status)
        } throws: { error in
            (error as? CommandFailure)?.status == .unavailable && "\(error)".contains("is on no-such-machine")
        }
        withExtendedLifetime(lock) {}
    }

    @Test("A run that is over shows its last known state, and a folder without a run shows none")
    func recordedStatus() throws {
        let path = NSTemporaryDirectory() + "dmd2-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = RunFolder(path: path)
        #expect(try folder.recordedStatus() == nil)

        let journal = try Journal.writing(path: "\(path)/journal.sqlite")
        try journal.recordGenerationStart(1, ranks: 2)
        try journal.recordRatio(RatioRecord(stage: "distil", firstStep: 0, ratio: 5, anchorStep: 0))
        try journal.recordEvent(
            generation: 1, kind: "stage_begun",
            detail: ["stage": "distil", "step": "0", "steps": "100", "index": "2", "count": "4"])
        try journal.recordSteps(
            (0..<7).map {
                StepRecord(stage: "distil", step: $0, kind: "", studentUpdated: $0 % 5 == 0, generation: 1)
            })
        try journal.recordMetrics(
            (0..<7).map { MetricRecord(stage: "distil", step: $0, name: "loss", value: Double($0)) })
        try journal.recordEvent(
            generation: 1, kind: "checkpoint_committed", detail: ["stage": "distil", "step": "5"])
        try journal.recordGenerationEnd(1, cause: "stopped, state is saved")

        let interrupted = try #require(try folder.recordedStatus())
        #expect(interrupted.state == .interrupted && interrupted.generation == 1)
        #expect(interrupted.stage == "distil" && interrupted.stageIndex == 2 && interrupted.stageCount == 4)
        #expect(interrupted.step == 7 && interrupted.totalSteps == 100)
        #expect(interrupted.studentUpdates == 2 && interrupted.criticUpdates == 7 && interrupted.ratio == 5)
        #expect(interrupted.losses == ["loss": 6])
        #expect(interrupted.checkpoint?.step == 5)
        #expect(interrupted.message.hasSuffix(": stopped, state is saved"))

        #expect(interrupted.checkpointProblem == nil)

        try journal.recordEvent(
            generation: 1, kind: "checkpoint_failed", detail: ["stage": "distil", "step": "10", "reason": "no room"])
        #expect(try folder.recordedStatus()?.checkpointProblem == "distil step 10 was not saved: no room")
        try journal.recordGenerationStart(2, ranks: 2)
        try journal.recordEvent(
            generation: 2, kind: "checkpoint_committed", detail: ["stage": "distil", "step": "10"])
        #expect(try folder.recordedStatus()?.checkpointProblem == nil)
        try journal.recordEvent(
            generation: 2, kind: "stage_begun",
            detail: ["stage": "evaluate", "step": "0", "steps": "8", "index": "3", "count": "4"])
        try journal.recordEvent(generation: 2, kind: "finished", detail: [:])
        let done = try #require(try folder.recordedStatus())
        #expect(done.state == .done && done.stage == "evaluate" && done.totalSteps == 8)
        #expect(done.studentUpdates == 2 && done.criticUpdates == 7 && done.ratio == 5)
    }

    @Test("The JSON of a live run and of one that is over have the same keys")
    func statusKeys() throws {
        func keys(_ status: RunStatus, live: Bool) throws -> Set<String> {
            let json = try WireFormat.encode(ShownStatus(live: live, folder: "runs/digits", status: status))
            let object = try JSONSerialization.jsonObject(with: json) as? [String: Any]
            #expect(object?["live"] as? Bool == live)
            return Set(object?.keys ?? [:].keys)
        }
        let over = RunStatus(
            run: "digits", state: .interrupted, generation: 1, pid: 0,
            restarts: .init(used: 0, budget: 3, lastCause: nil), message: "")
        #expect(try keys(sampleStatus(), live: true) == keys(over, live: false))
    }

    @Test("A run that does not exist is a missing input")
    func missing() {
        #expect {
            try RunFolder(argument: "/no/such/run")
        } throws: { error in
            (error as? CommandFailure)?.status == .inputMissing
        }
    }
}
