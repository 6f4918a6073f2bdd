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
        "An address that other machines reach is known as such, and no socket takes it without keys",
        arguments: ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://10.0.0.1:5555", "tcp://127.0.0.1.example.org:5"])
    func reachable(text: String) throws {
        let endpoint = try Endpoint(text)
        #expect(!endpoint.isLoopback)
        #expect(throws: MessagingError.notLoopback(text)) { _ = try RouterSocket(Context(), bindingTo: endpoint) }
        #expect(throws: MessagingError.notLoopback(text)) { _ = try DealerSocket(Context(), connectingTo: endpoint) }
    }

    @Test("What stands for every interface is reached at a name, on the same port")
    func reachedAt() throws {
        let endpoint = try Endpoint("tcp://0.0.0.0:5555")
        #expect(endpoint.isEveryInterface)
        #expect(endpoint.reached(at: "node1").description == "tcp://node1:5555")
        #expect(try !Endpoint("tcp://10.0.0.1:5555").isEveryInterface)
    }

    @Test(
        "What is no tcp address is refused",
        arguments: [
            "", "ipc:///tmp/x", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:99999", "tcp://a b:5",
            "tcp://[::1]:5",
        ])
    func malformed(text: String) {
        #expect(throws: MessagingError.malformedEndpoint(text)) { try Endpoint(text) }
    }
}
