import Coordination
import Messaging
import Synchronization

/// Events from other threads, on their way to the one that decides.
final class Inbox: Sendable {
    private let events = Mutex<[Coordinator.Event]>([])
    /// Rung when an event arrives.
    let bell: Bell

    /// An empty inbox. Throws if the process has no file descriptor left.
    init() throws(MessagingError) { bell = try Bell() }

    /// Adds an event, from any thread.
    func post(_ event: Coordinator.Event) {
        events.withLock { $0.append(event) }
        bell.ring()
    }

    /// Takes everything that has arrived, in order.
    func take() -> [Coordinator.Event] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}
