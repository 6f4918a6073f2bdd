/// What can go wrong on the control plane.
package enum MessagingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The endpoint is not of the form `tcp://HOST:PORT`.
    case malformedEndpoint(String)
    /// The endpoint's host is not this machine's loopback address, and there are no keys.
    case notLoopback(String)
    /// Another process listens on the port.
    case portInUse(String)
    /// Nobody took or answered the request in time.
    case noAnswer(endpoint: String, timeoutMilliseconds: Int)
    /// A message to be sent is larger than any peer accepts.
    case tooLarge(bytes: Int)
    /// The bytes received are no message of this protocol.
    case unreadable(reason: String)
    /// A value cannot be written as JSON.
    case unwritable(reason: String)
    /// ZeroMQ refused an operation.
    case libraryFailure(operation: String, code: Int32, text: String)

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        switch self {
        case .malformedEndpoint(let endpoint):
            "endpoint '\(endpoint)' is not of the form tcp://127.0.0.1:PORT (PORT * takes any free port)"
        case .notLoopback(let endpoint):
            "endpoint '\(endpoint)' is reachable from other machines and the control plane has no keys: "
                + "use tcp://127.0.0.1:PORT, or set coordinator.keys (dmd2 keys new FOLDER makes them)"
        case .portInUse(let endpoint):
            "\(endpoint) is in use by another process: end it, or set coordinator.endpoint to another port "
                + "(tcp://127.0.0.1:* takes any free one)"
        case .noAnswer(let endpoint, let timeoutMilliseconds):
            "no answer from the coordinator at \(endpoint) in \(timeoutMilliseconds) ms: is the run still alive, "
                + "and are these its keys?"
        case .tooLarge(let bytes):
            "a message of \(bytes) bytes exceeds the limit of \(WireFormat.maximumBytes)"
        case .unreadable(let reason):
            "a control message cannot be read (\(reason)): are both programs from the same build?"
        case .unwritable(let reason):
            "a control message cannot be written: \(reason)"
        case .libraryFailure(let operation, let code, let text):
            "ZeroMQ: \(operation) failed with code \(code): \(text)"
        }
    }
}
