import Coordination
import Messaging
import Testing
import Training

@Suite struct ClientMessageRightsTests {
    private let worker = ClientMessage.worker(envelope: .init(generation: 1, rank: 0, message: .finished))
    private let orders = [ControlRequest.setRatio(ratio: 7), .checkpointNow, .stop].map(ClientMessage.control)
    private let question = ClientMessage.control(request: .status)

    @Test("A worker's key lets it work and nothing else")
    func workers() {
        #expect(worker.isAllowed(to: .worker))
        #expect(!question.isAllowed(to: .worker) && !orders.contains { $0.isAllowed(to: .worker) })
    }

    @Test("A status key lets its holder ask and nothing else")
    func status() {
        #expect(question.isAllowed(to: .status))
        #expect(!worker.isAllowed(to: .status) && !orders.contains { $0.isAllowed(to: .status) })
    }

    @Test("A control key lets its holder ask and order, but not speak for a worker")
    func control() {
        #expect(question.isAllowed(to: .control) && orders.allSatisfy { $0.isAllowed(to: .control) })
        #expect(!worker.isAllowed(to: .control))
    }

    @Test("Without keys everybody on this machine may do everything")
    func noKeys() {
        #expect(([worker, question] + orders).allSatisfy { $0.isAllowed(to: nil) })
    }
}
