import Glibc
import Messaging
import Testing

private struct Note: Codable, Sendable, Equatable {
    var text: String
    var value: Double = 1
}

@Suite struct SocketTests {
    private let anyPort: Endpoint

    init() throws { anyPort = try Endpoint("tcp://127.0.0.1:*") }

    @Test("A message reaches the router and its answer comes back")
    func roundTrip() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort)
        let dealer = try DealerSocket(Context(), connectingTo: router.endpoint)
        #expect(try dealer.send(Note(text: "hello"), timeoutMilliseconds: 2000))
        let delivery = try #require(try router.receive(Note.self, timeoutMilliseconds: 2000))
        #expect(try delivery.message.get() == Note(text: "hello"))
        #expect(try router.send(Note(text: "welcome"), to: delivery.peer))
        #expect(try dealer.receive(Note.self, timeoutMilliseconds: 2000) == Note(text: "welcome"))
    }

    @Test("The endpoint of port * names the port that was taken")
    func boundPort() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort)
        #expect(router.endpoint.description.hasPrefix("tcp://127.0.0.1:"))
        #expect(router.endpoint != anyPort)
    }

    @Test("A port in use is an error that names it")
    func portInUse() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort)
        #expect(throws: MessagingError.portInUse(router.endpoint.description)) {
            _ = try RouterSocket(Context(), bindingTo: router.endpoint)
        }
    }

    @Test("Without a coordinator a request fails when its time is up")
    func noCoordinator() throws {
        let unused = try RouterSocket(Context(), bindingTo: anyPort).endpoint.description
        #expect(throws: MessagingError.noAnswer(endpoint: unused, timeoutMilliseconds: 50)) {
            try ControlClient(connectingTo: unused).request(
                Note(text: "?"), expecting: Note.self, timeoutMilliseconds: 50)
        }
    }

    @Test("What is no message is delivered as such, and the next message is read")
    func wrongContent() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort)
        let dealer = try DealerSocket(Context(), connectingTo: router.endpoint)
        #expect(try dealer.send(["another": "type"], timeoutMilliseconds: 2000))
        #expect(try dealer.send(Note(text: "hello")))
        let first = try #require(try router.receive(Note.self, timeoutMilliseconds: 2000))
        #expect(throws: MessagingError.self) { try first.message.get() }
        let second = try #require(try router.receive(Note.self, timeoutMilliseconds: 2000))
        #expect(try second.message.get() == Note(text: "hello"))
    }

    @Test("A bell ends a wait, also one that begins after the ring, and is heard once")
    func bell() throws {
        let dealer = try DealerSocket(Context(), connectingTo: anyUnusedEndpoint())
        let bell = try Bell()
        bell.ring()
        bell.ring()
        let start = ContinuousClock.now
        #expect(try dealer.receive(Note.self, orUntil: bell, timeoutMilliseconds: 60_000) == nil)
        let rung = ContinuousClock.now
        // A wait that does not hear it lasts a minute.
        #expect(rung - start < .seconds(30))
        #expect(try dealer.receive(Note.self, orUntil: bell, timeoutMilliseconds: 50) == nil)
        #expect(ContinuousClock.now - rung >= .milliseconds(49), "both rings were taken back")
    }

    private func anyUnusedEndpoint() throws -> Endpoint { try RouterSocket(Context(), bindingTo: anyPort).endpoint }

    @Test("A stranger that speaks no ZeroMQ disturbs nobody")
    func stranger() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort)
        let port = try #require(router.endpoint.description.split(separator: ":").last.flatMap { UInt16($0) })
        let stranger = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(stranger) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(stranger, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(connected == 0)
        let request = [UInt8]("GET / HTTP/1.1\r\n\r\n".utf8)
        #expect(write(stranger, request, request.count) == request.count)
        #expect(try router.receive(Note.self, timeoutMilliseconds: 50) == nil)

        let dealer = try DealerSocket(Context(), connectingTo: router.endpoint)
        #expect(try dealer.send(Note(text: "hello"), timeoutMilliseconds: 2000))
        #expect(try router.receive(Note.self, timeoutMilliseconds: 2000) != nil)
    }

    @Test("An answer to a peer that has left is reported as not sent")
    func peerGone() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort)
        let peer = try hello(router)
        var isGone = false
        for _ in 0..<200 where !isGone {
            isGone = try !router.send(Note(text: "still there?"), to: peer)
            usleep(10_000)
        }
        #expect(isGone)
    }

    private func hello(_ router: borrowing RouterSocket) throws -> RouterSocket.Peer {
        let dealer = try DealerSocket(Context(), connectingTo: router.endpoint)
        _ = try dealer.send(Note(text: "hello"), timeoutMilliseconds: 2000)
        return try #require(try router.receive(Note.self, timeoutMilliseconds: 2000)).peer
    }
}
