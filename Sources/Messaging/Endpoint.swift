/// An address on this machine's loopback interface. Any other is refused: the control plane has no keys, and
/// whoever reaches it can stop a run.
package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    /// The address as ZeroMQ reads it.
    package let description: String

    /// Checks an address such as `tcp://127.0.0.1:5555`, `tcp://localhost:5555`, or, to bind to any free port,
    /// `tcp://127.0.0.1:*`.
    package init(_ text: String) throws(MessagingError) {
        let scheme = "tcp://"
        guard text.hasPrefix(scheme), let colon = text.lastIndex(of: ":") else {
            throw .malformedEndpoint(text)
        }
        let host = text[..<colon].dropFirst(scheme.count)
        let port = text[colon...].dropFirst()
        guard !host.isEmpty, port == "*" || UInt16(port) != nil else { throw .malformedEndpoint(text) }
        guard Self.isLoopback(host) else { throw .notLoopback(text) }
        // ZeroMQ binds to interface names and addresses; it would look for an interface called "localhost".
        description = "\(scheme)\(host == "localhost" ? "127.0.0.1" : host):\(port)"
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost"
            || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
