import CZeroMQ
import Glibc

/// Ends another thread's wait for a socket, from any thread. Rings that nobody has waited for are one.
package final class Bell: Sendable {
    /// Readable once it has been rung: an `eventfd`, which a poll can wait for beside a socket.
    let descriptor: Int32

    /// A bell that has not been rung. Throws if the process has no file descriptor left.
    package init() throws(MessagingError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw .lastFailure(of: "making a bell") }
    }

    deinit { close(descriptor) }

    /// Whoever waits, or waits next, is woken.
    package func ring() { _ = eventfd_write(descriptor, 1) }

    /// Takes the ring back once it has been heard.
    func silence() {
        var rings: eventfd_t = 0
        _ = eventfd_read(descriptor, &rings)
    }
}
