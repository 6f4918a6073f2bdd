import Messaging

/// Where the HTTP pages are served: `HOST:PORT`.
package struct HTTPEndpoint: Sendable, Equatable, CustomStringConvertible {
    /// An IPv4 address of this machine; 0.0.0.0 for all of them.
    package let host: String
    /// 0: any free one.
    package let port: UInt16

    /// Reads `127.0.0.1:9464`, or `127.0.0.1:*` for any free port; nil if it is no such text.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon] == "localhost" ? "127.0.0.1" : String(text[..<colon])
        let digits = text[colon...].dropFirst()
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }),
            let port = digits == "*" ? 0 : UInt16(digits), port > 0 || digits == "*"
        else { return nil }
        self.host = host
        self.port = port
    }

    /// True if only this machine reaches it.
    package var isLoopback: Bool { Endpoint.isLoopback(host) }

    /// As it was written.
    package var description: String { "\(host):\(port == 0 ? "*" : "\(port)")" }
}
