/// A command's connection to a coordinator: one question, one answer.
package struct ControlClient: ~Copyable {
    private let endpoint: Endpoint
    private let dealer: DealerSocket

    /// Starts connecting to a coordinator's endpoint, as its `coordinator.json` states it; with keys, if it has any.
    package init(connectingTo endpoint: String, keys: ClientKeys? = nil) throws(MessagingError) {
        let endpoint = try Endpoint(endpoint)
        dealer = try DealerSocket(Context(), connectingTo: endpoint, keys: keys)
        self.endpoint = endpoint
    }

    /// Sends a message and waits for the answer. Throws `noAnswer` when time is up.
    package func request<Reply: Decodable>(
        _ message: some Encodable, expecting reply: Reply.Type, timeoutMilliseconds: Int = 2000
    ) throws(MessagingError) -> Reply {
        let noAnswer = MessagingError.noAnswer(
            endpoint: endpoint.description, timeoutMilliseconds: timeoutMilliseconds)
        let clock = ContinuousClock()
        let deadline = clock.now + .milliseconds(timeoutMilliseconds)
        guard try dealer.send(message, timeoutMilliseconds: timeoutMilliseconds) else { throw noAnswer }
        // A signal may end a wait early, so waiting continues until time is really up.
        repeat {
            let remaining = max(1, Int((deadline - clock.now) / .milliseconds(1)))
            if let answer = try dealer.receive(reply, timeoutMilliseconds: remaining) { return answer }
        } while clock.now < deadline
        throw noAnswer
    }
}
