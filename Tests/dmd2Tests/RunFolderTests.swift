import Coordination
import Foundation
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

    @Test("A run that does not exist is a missing input")
    func missing() {
        #expect {
            try RunFolder(argument: "/no/such/run")
        } throws: { error in
            (error as? CommandFailure)?.status == .inputMissing
        }
    }
}
