import Foundation
import Testing

/// What a GET over a socket of its own brings: no client library stands between the test and the bytes.
struct WebPage {
    let code: Int
    let body: String

    init(port: UInt16, path: String, token: String? = nil) throws {
        let descriptor = try LoopbackSocket.open(port: port) { connect($0, $1, $2) }
        defer { close(descriptor) }
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        let request = [UInt8]("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(authorization)\r\n".utf8)
        #expect(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        let text = String(decoding: answer, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        code = try #require(parts.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }, "\(text)")
        body = parts.count > 1 ? parts[1] : ""
    }
}

/// Holds a port of the loopback interface until it goes away.
final class PortHolder: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = try LoopbackSocket.open(port: 0) { bind($0, $1, $2) }
        self.descriptor = descriptor
        #expect(listen(descriptor, 1) == 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}

/// A TCP socket at 127.0.0.1.
enum LoopbackSocket {
    /// A new one, bound or connected by `attach`.
    static func open(port: UInt16, _ attach: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                attach(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "port \(port): errno \(errno)")
        return descriptor
    }
}
