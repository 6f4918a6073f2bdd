/// An address that a coordinator listens at, or is reached at. Sockets refuse one that other machines reach unless they
/// have keys.
package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    private static let scheme = "tcp://"

    /// An IPv4 address, a name, or `*` for every interface.
    package let host: String
    /// A number, or `*` for any free one.
    package let port: String

    /// The address as ZeroMQ reads it.
    package var description: String { "\(Self.scheme)\(host):\(port)" }

    private init(host: String, port: String) {
        self.host = host
        self.port = port
    }

    /// Checks an address such as `tcp://127.0.0.1:5555`, `tcp://node1:5555`, `tcp://0.0.0.0:5555`, or, to bind to any
    /// free port, `tcp://127.0.0.1:*`.
    package init(_ text: String) throws(MessagingError) {
        guard text.hasPrefix(Self.scheme), let colon = text.lastIndex(of: ":") else {
            throw .malformedEndpoint(text)
        }
        let host = String(text[..<colon].dropFirst(Self.scheme.count))
        let port = String(text[colon...].dropFirst())
        guard Self.isHost(host) || host == "*", port == "*" || UInt16(port) != nil else {
            throw .malformedEndpoint(text)
        }
        // ZeroMQ binds to interface names and addresses; it would look for an interface called "localhost".
        self.init(host: host == "localhost" ? "127.0.0.1" : host, port: port)
    }

    /// True if only this machine reaches it.
    package var isLoopback: Bool { Self.isLoopback(host) }

    /// True if it stands for all of the machine's addresses, so that nobody can connect to it as it is written.
    package var isEveryInterface: Bool { host == "*" || host == "0.0.0.0" }

    /// The same port at a host by which others reach it.
    package func reached(at host: String) -> Endpoint { Endpoint(host: host, port: port) }

    /// True for an IPv4 address or a name.
    package static func isHost(_ text: String) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789_.-".unicodeScalars.contains($0))
            }
    }

    /// True for 127.0.0.0/8 and `localhost`.
    package static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost"
            || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
