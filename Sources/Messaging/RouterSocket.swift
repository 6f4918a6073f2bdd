import CZeroMQ

/// The coordinator's end: many peers on one bound socket. Threading: confined to the thread that made it.
package struct RouterSocket: ~Copyable {
    /// Who sent a message. Says where to answer, never who somebody is: that stands in the message.
    package struct Peer: Hashable, Sendable {
        fileprivate let identity: [UInt8]
    }

    /// A message, or what a peer sent instead of one.
    package struct Delivery<Message: Sendable>: Sendable {
        /// Who sent it.
        package let peer: Peer
        /// Whose key the connection was made with; nil where no keys are in use.
        package let role: KeyRole?
        /// The message; a failure says why the bytes are none.
        package let message: Result<Message, MessagingError>
    }

    private let socket: Socket
    /// Where the socket listens, with the port it was given.
    package let endpoint: Endpoint

    /// Binds to an endpoint; port `*` takes any free one. Without keys it must be on this machine, since whoever
    /// reaches it is heard; with them, only who holds one of the listed keys is. A context has one such socket.
    package init(
        _ context: Context, bindingTo endpoint: Endpoint, keys: CoordinatorKeys? = nil
    ) throws(MessagingError) {
        guard keys != nil || endpoint.isLoopback else { throw .notLoopback(endpoint.description) }
        let socket = try Socket.configured(context, type: ZMQ_ROUTER)
        if let keys {
            try Gatekeeper.start(in: context, allowing: keys.allowed)
            try socket.set(ZMQ_ZAP_DOMAIN, to: Gatekeeper.domain)
            try socket.set(ZMQ_CURVE_SERVER, to: 1)
            try socket.set(ZMQ_CURVE_SECRETKEY, to: keys.secret)
        }
        try socket.set(ZMQ_ROUTER_MANDATORY, to: 1)  // default: messages to a peer that is gone vanish
        try socket.set(ZMQ_ROUTER_HANDOVER, to: 1)  // default: a peer that comes back is locked out
        self.endpoint = try socket.bind(endpoint)
        self.socket = socket
    }

    /// Takes the next message, waiting for it at most this long and until the bell rings; nil if none came.
    package func receive<Message: Decodable & Sendable>(
        _ type: Message.Type, orUntil bell: Bell? = nil, timeoutMilliseconds: Int
    ) throws(MessagingError) -> Delivery<Message>? {
        guard try socket.wait(until: .readable, orUntil: bell, timeoutMilliseconds: timeoutMilliseconds),
            let received = try socket.receive(), let identity = received.frames.first
        else { return nil }
        let message = Result<Message, MessagingError> { () throws(MessagingError) in
            try WireFormat.value(type, of: received.frames.dropFirst())
        }
        return Delivery(
            peer: Peer(identity: identity), role: received.user.flatMap(KeyRole.init(rawValue:)), message: message)
    }

    /// Sends without waiting. False if the peer is gone or does not read.
    @discardableResult
    package func send(_ message: some Encodable, to peer: Peer) throws(MessagingError) -> Bool {
        try send(frames: WireFormat.frames(of: message), to: peer)
    }

    /// Sends a message whose frames were made before, without waiting. False if the peer is gone or does not read.
    @discardableResult
    package func send(frames: [[UInt8]], to peer: Peer) throws(MessagingError) -> Bool {
        try socket.send([peer.identity] + frames)
    }
}
