import CZeroMQ
import Glibc

/// A ZeroMQ socket with the defaults that lose messages or wait for ever replaced.
/// Threading: confined to the thread that made it.
struct Socket: ~Copyable {
    private let handle: UnsafeMutableRawPointer
    private let context: Context

    private init(_ context: Context, type: Int32) throws(MessagingError) {
        guard let handle = zmq_socket(context.handle, type) else {
            throw .lastFailure(of: "creating a socket")
        }
        self.handle = handle
        self.context = context
    }

    /// A socket of a ZeroMQ type, not yet bound or connected.
    static func configured(_ context: Context, type: Int32) throws(MessagingError) -> Socket {
        let socket = try Socket(context, type: type)
        try socket.replaceDefaults()
        return socket
    }

    private func replaceDefaults() throws(MessagingError) {
        try set(ZMQ_LINGER, to: 500)  // default: exit waits for ever for a peer that is gone
        try set(ZMQ_SNDHWM, to: 1000)
        try set(ZMQ_RCVHWM, to: 1000)
        try set(ZMQ_RECONNECT_IVL, to: 100)
        try set(ZMQ_RECONNECT_IVL_MAX, to: 2000)  // default: no back-off
        try set(ZMQ_HANDSHAKE_IVL, to: 5000)  // default: a silent stranger holds a slot for 30 s
        try set(ZMQ_HEARTBEAT_IVL, to: 1000)  // default: a dead connection is never noticed
        try set(ZMQ_HEARTBEAT_TIMEOUT, to: 3000)
        try set(ZMQ_TCP_KEEPALIVE, to: 1)
        // Default: one message may fill the memory. The library drops a peer that sends a larger one.
        guard shim_zmq_set_long(handle, ZMQ_MAXMSGSIZE, Int64(WireFormat.maximumBytes)) == 0 else {
            throw .lastFailure(of: "limiting the message size")
        }
    }

    deinit { zmq_close(handle) }

    func set(_ option: Int32, to value: Int32) throws(MessagingError) {
        guard shim_zmq_set_integer(handle, option, value) == 0 else {
            throw .lastFailure(of: "setting option \(option)")
        }
    }

    func set(_ option: Int32, to text: String) throws(MessagingError) {
        guard zmq_setsockopt(handle, option, text, text.utf8.count) == 0 else {
            throw .lastFailure(of: "setting option \(option)")
        }
    }

    func set(_ option: Int32, to key: CurveKey) throws(MessagingError) {
        guard zmq_setsockopt(handle, option, key.bytes, key.bytes.count) == 0 else {
            // Also where the library was built without cryptography.
            throw .lastFailure(of: "setting a CURVE key")
        }
    }

    /// Binds and returns the endpoint with the port that was taken.
    func bind(_ endpoint: Endpoint) throws(MessagingError) -> Endpoint {
        guard zmq_bind(handle, endpoint.description) == 0 else {
            throw zmq_errno() == EADDRINUSE
                ? .portInUse(endpoint.description) : .lastFailure(of: "binding to \(endpoint)")
        }
        var text = [UInt8](repeating: 0, count: 256)
        var count = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw .lastFailure(of: "asking for the bound endpoint")
        }
        return try Endpoint(String(decoding: text.prefix(while: { $0 != 0 }), as: UTF8.self))
    }

    /// Starts connecting; the connection itself is made, and made again when lost, in the background.
    func connect(_ endpoint: Endpoint) throws(MessagingError) {
        guard zmq_connect(handle, endpoint.description) == 0 else {
            throw .lastFailure(of: "connecting to \(endpoint)")
        }
    }

    /// Waits until the socket can be read (or written). False when time is up, a signal arrived or the bell rang.
    func wait(
        until event: Event, orUntil bell: Bell? = nil, timeoutMilliseconds: Int
    ) throws(MessagingError) -> Bool {
        let ready = shim_zmq_wait(handle, event.rawValue, bell?.descriptor ?? -1, timeoutMilliseconds)
        if ready < 0, zmq_errno() != EINTR { throw .lastFailure(of: "polling") }
        if ready >= 2 { bell?.silence() }
        return ready == 1 || ready == 3
    }

    enum Event: Int16 {
        case readable = 1  // ZMQ_POLLIN
        case writable = 2  // ZMQ_POLLOUT
    }

    /// Sends all frames as one message without waiting. False if no peer can take it.
    func send(_ frames: [[UInt8]]) throws(MessagingError) -> Bool {
        for (index, frame) in frames.enumerated() {
            let isLast = index == frames.count - 1
            let flags = ZMQ_DONTWAIT | (isLast ? 0 : ZMQ_SNDMORE)
            var sent = zmq_send(handle, frame, frame.count, flags)
            while sent < 0, zmq_errno() == EINTR { sent = zmq_send(handle, frame, frame.count, flags) }
            if sent < 0 {
                guard index == 0, zmq_errno() == EAGAIN || zmq_errno() == EHOSTUNREACH else {
                    throw .lastFailure(of: "sending")
                }
                return false
            }
        }
        return true
    }

    /// One whole message, and the user that the gatekeeper named for the connection it came by; nil if none did.
    struct Received {
        var frames: [[UInt8]]
        var user: String?
    }

    /// No message has more frames: a peer's identity, version and JSON. Further ones are dropped, but for one that tells
    /// that there were more.
    private static let maximumFrames = 3

    /// Takes one whole message without waiting; nil if there is none.
    func receive() throws(MessagingError) -> Received? {
        var frames: [[UInt8]] = []
        var user: String?
        var more = true
        while more {
            var frame = zmq_msg_t()
            // zmq_recv would report the size before truncation; a zmq_msg_t is always whole.
            let size = shim_zmq_receive_frame(handle, &frame, ZMQ_DONTWAIT)
            guard size >= 0 else {
                if zmq_errno() == EINTR { continue }
                guard zmq_errno() == EAGAIN, frames.isEmpty else { throw .lastFailure(of: "receiving") }
                return nil
            }
            if frames.count <= Self.maximumFrames {
                frames.append([UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(&frame), count: Int(size))))
            }
            more = zmq_msg_more(&frame) != 0
            if !more { user = zmq_msg_gets(&frame, "User-Id").map { String(cString: $0) } }
            zmq_msg_close(&frame)
        }
        return Received(frames: frames, user: user)
    }
}
