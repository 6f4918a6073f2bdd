import Messaging
import Testing

@Suite struct EndpointTests {
    @Test(
        "Loopback addresses are accepted",
        arguments: ["tcp://127.0.0.1:*", "tcp://127.0.0.1:5555", "tcp://127.1.2.3:1"])
    func loopback(text: String) throws {
        #expect(try Endpoint(text).description == text)
    }

    @Test("localhost is written as its address")
    func localhost() throws {
        #expect(try Endpoint("tcp://localhost:5555").description == "tcp://127.0.0.1:5555")
    }

    @Test(
        "An address that other machines reach is refused",
        arguments: ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://10.0.0.1:5555", "tcp://127.0.0.1.example.org:5"])
    func reachable(text: String) {
        #expect(throws: MessagingError.notLoopback(text)) { try Endpoint(text) }
    }

    @Test(
        "What is no tcp address is refused",
        arguments: ["", "ipc:///tmp/x", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:99999"])
    func malformed(text: String) {
        #expect(throws: MessagingError.malformedEndpoint(text)) { try Endpoint(text) }
    }
}
