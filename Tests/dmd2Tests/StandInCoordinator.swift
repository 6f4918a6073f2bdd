import Coordination
import Foundation
import Messaging
import Synchronization

/// Answers control requests with prepared replies, in order, on a thread of its own.
final class StandInCoordinator: Sendable {
    private let replies: [ControlReply]
    private let received = Mutex<[ClientMessage]>([])
    private let endpoint = Mutex<Result<String, MessagingError>?>(nil)
    private let bound = DispatchSemaphore(value: 0)
    private let released = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

    init(replies: [ControlReply]) {
        self.replies = replies
    }

    /// Starts listening and returns the endpoint.
    func start() throws -> String {
        Thread.detachNewThread { [self] in
            defer { done.signal() }
            do throws(MessagingError) {
                try serve()
            } catch {
                endpoint.withLock { $0 = $0 ?? .failure(error) }
                bound.signal()
            }
        }
        bound.wait()
        return try endpoint.withLock { try $0?.get() ?? "" }
    }

    /// Stops listening and returns what was asked.
    func requests() -> [ClientMessage] {
        released.signal()
        done.wait()
        return received.withLock { $0 }
    }

    private func serve() throws(MessagingError) {
        let router = try RouterSocket(Context(), bindingTo: Endpoint("tcp://127.0.0.1:*"))
        endpoint.withLock { $0 = .success(router.endpoint.description) }
        bound.signal()
        for reply in replies {
            guard let delivery = try router.receive(ClientMessage.self, timeoutMilliseconds: 5000) else { return }
            let message = try delivery.message.get()
            received.withLock { $0.append(message) }
            try router.send(ServerMessage.control(reply: reply), to: delivery.peer)
        }
        // A peer that notices a closed connection drops what it has not read yet.
        released.wait()
    }
}
