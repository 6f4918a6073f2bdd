import Messaging
import Testing

/// Connections with keys. The oracle for a refusal is silence: nothing arrives in a time in which a message with the
/// right key does.
@Suite struct CurveTests {
    private let anyPort: Endpoint
    private let keys: TemporaryKeys

    init() throws {
        anyPort = try Endpoint("tcp://127.0.0.1:*")
        keys = try TemporaryKeys()
    }

    private func hears(_ router: borrowing RouterSocket, with clientKeys: ClientKeys?) throws -> Bool {
        let dealer = try DealerSocket(Context(), connectingTo: router.endpoint, keys: clientKeys)
        // A socket whose handshake failed never becomes writable.
        let isSent = try dealer.send(["hello": 1], timeoutMilliseconds: 300)
        return try router.receive([String: Int].self, timeoutMilliseconds: isSent ? 2000 : 100) != nil
    }

    @Test(
        "Each listed key is heard, and every message says whose it was", arguments: [KeyRole.worker, .control, .status])
    func roles(role: KeyRole) throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort, keys: keys.folder.coordinatorKeys())
        let dealer = try DealerSocket(
            Context(), connectingTo: router.endpoint, keys: keys.folder.clientKeys(role))
        #expect(try dealer.send(["hello": 1], timeoutMilliseconds: 2000))
        let delivery = try #require(try router.receive([String: Int].self, timeoutMilliseconds: 2000))
        #expect(delivery.role == role)
        #expect(try router.send(["welcome": 2], to: delivery.peer))
        #expect(try dealer.receive([String: Int].self, timeoutMilliseconds: 2000) == ["welcome": 2])
    }

    @Test("Without a key, with a stranger's key, or with one that is not listed nobody is heard")
    func silence() throws {
        let router = try RouterSocket(Context(), bindingTo: anyPort, keys: keys.folder.coordinatorKeys())
        let strangers = try TemporaryKeys()
        #expect(try !hears(router, with: nil))
        #expect(try !hears(router, with: strangers.folder.clientKeys(.control)))
        // The right coordinator, but a key that its list has not: the coordinator's own.
        #expect(try !hears(router, with: keys.folder.clientKeys(.coordinator)))
        #expect(try hears(router, with: keys.folder.clientKeys(.control)))
    }

    @Test("A coordinator that is not the one expected, or that has no keys, is told nothing")
    func wrongCoordinator() throws {
        let impostor = try TemporaryKeys()
        let router = try RouterSocket(Context(), bindingTo: anyPort, keys: impostor.folder.coordinatorKeys())
        #expect(try !hears(router, with: keys.folder.clientKeys(.worker)))
        let open = try RouterSocket(Context(), bindingTo: anyPort)
        #expect(try !hears(open, with: keys.folder.clientKeys(.worker)))
    }

    @Test("With keys a socket takes an address that other machines reach")
    func offHost() throws {
        let router = try RouterSocket(
            Context(), bindingTo: Endpoint("tcp://0.0.0.0:*"), keys: keys.folder.coordinatorKeys())
        let endpoint = router.endpoint.reached(at: "127.0.0.1")
        let dealer = try DealerSocket(Context(), connectingTo: endpoint, keys: keys.folder.clientKeys(.status))
        #expect(try dealer.send(["hello": 1], timeoutMilliseconds: 2000))
        #expect(try router.receive([String: Int].self, timeoutMilliseconds: 2000)?.role == .status)
    }

    @Test("Contexts with a gatekeeper end, again and again")
    func contextsEnd() throws {
        for _ in 0..<20 {
            _ = try RouterSocket(Context(), bindingTo: anyPort, keys: keys.folder.coordinatorKeys())
        }
    }
}
