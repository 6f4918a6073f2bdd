import CZeroMQ

/// A peer's end: one connection to a coordinator, made again by itself when lost. After a reconnection the
/// coordinator may be another process, so say hello again. Threading: confined to the thread that made it.
package struct DealerSocket: ~Copyable {
    private let socket: Socket

    /// Starts connecting to the endpoint. Without keys it must be on this machine; with them, a coordinator that has not
    /// the right one is never spoken to, and one that does not know them never answers.
    package init(
        _ context: Context, connectingTo endpoint: Endpoint, keys: ClientKeys? = nil
    ) throws(MessagingError) {
        guard keys != nil || endpoint.isLoopback else { throw .notLoopback(endpoint.description) }
        let socket = try Socket.configured(context, type: ZMQ_DEALER)
        if let keys {
            try socket.set(ZMQ_CURVE_SERVERKEY, to: keys.coordinator)
            try socket.set(ZMQ_CURVE_PUBLICKEY, to: keys.publicHalf)
            try socket.set(ZMQ_CURVE_SECRETKEY, to: keys.secretHalf)
        }
        try socket.set(ZMQ_IMMEDIATE, to: 1)  // default: messages queue up for a peer that is not there
        try socket.connect(endpoint)
        self.socket = socket
    }

    /// Sends, waiting at most this long for a connection. False if there was none.
    @discardableResult
    package func send(_ message: some Encodable, timeoutMilliseconds: Int = 0) throws(MessagingError) -> Bool {
        let frames = try WireFormat.frames(of: message)
        if timeoutMilliseconds > 0 {
            guard try socket.wait(until: .writable, timeoutMilliseconds: timeoutMilliseconds) else { return false }
        }
        return try socket.send(frames)
    }

    /// Waits at most this long for a connection over which a message can be sent; true if there is one.
    package func isConnected(timeoutMilliseconds: Int) throws(MessagingError) -> Bool {
        try socket.wait(until: .writable, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Takes the next message, waiting for it at most this long and until the bell rings; nil if none came. Throws
    /// `unreadable` for bytes that are no message; the socket remains usable.
    package func receive<Message: Decodable>(
        _ type: Message.Type, orUntil bell: Bell? = nil, timeoutMilliseconds: Int
    ) throws(MessagingError) -> Message? {
        guard try socket.wait(until: .readable, orUntil: bell, timeoutMilliseconds: timeoutMilliseconds),
            let received = try socket.receive()
        else { return nil }
        return try WireFormat.value(type, of: received.frames[...])
    }
}
