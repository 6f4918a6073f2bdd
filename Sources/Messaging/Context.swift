import CZeroMQ

/// ZeroMQ's I/O thread. Sockets keep their context alive; the last one to go ends it.
package final class Context: @unchecked Sendable {  // libzmq documents contexts as thread-safe
    let handle: UnsafeMutableRawPointer

    /// Starts the I/O thread.
    package init() throws(MessagingError) {
        guard let handle = zmq_ctx_new() else { throw .lastFailure(of: "creating a context") }
        self.handle = handle
    }

    // Ends a gatekeeper, which waits inside the library. Then blocks for at most the sockets' linger time.
    deinit {
        zmq_ctx_shutdown(handle)
        zmq_ctx_term(handle)
    }
}

extension MessagingError {
    /// The failure ZeroMQ has just reported on this thread.
    static func lastFailure(of operation: String) -> MessagingError {
        let code = zmq_errno()
        return .libraryFailure(operation: operation, code: code, text: String(cString: zmq_strerror(code)))
    }
}
