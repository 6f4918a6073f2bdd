import Coordination
import Synchronization

/// Events from other threads, on their way to the one that decides.
final class Inbox: Sendable {
    private let events = Mutex<[Coordinator.Event]>([])

    /// Adds an event, from any thread.
    func post(_ event: Coordinator.Event) {
        events.withLock { $0.append(event) }
    }

    /// Takes everything that has arrived, in order.
    func take() -> [Coordinator.Event] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}
