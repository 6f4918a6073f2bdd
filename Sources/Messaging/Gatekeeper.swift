import CZeroMQ
import Foundation

/// Answers ZeroMQ's question, at every handshake, whether the holder of a key may connect (ZAP, ZeroMQ's RFC 27).
///
/// A thread of its own does: the library asks from its I/O thread and waits for the answer. Whose key is not on the list
/// gets no connection; whose is, has its role written on every message it sends.
enum Gatekeeper {
    private static let address = "inproc://zeromq.zap.01"
    /// Clients' connections are judged only on sockets that name a domain.
    static let domain = "dmd2"

    /// Listens from here on, until the context ends. Call it before binding the socket that it guards.
    static func start(in context: Context, allowing roles: [CurveKey: KeyRole]) throws(MessagingError) {
        // No `Socket`: that would keep the context alive, whose end is what ends the thread.
        guard let handle = zmq_socket(context.handle, ZMQ_REP) else { throw .lastFailure(of: "creating a socket") }
        guard zmq_bind(handle, address) == 0 else {
            let failure = MessagingError.lastFailure(of: "binding to \(address)")
            zmq_close(handle)
            throw failure
        }
        let desk = Desk(handle: handle, roles: roles)
        Thread.detachNewThread { desk.serve() }
    }

    /// The thread's state. A socket may change threads, as long as one at a time uses it.
    private struct Desk: @unchecked Sendable {
        let handle: UnsafeMutableRawPointer
        let roles: [CurveKey: KeyRole]

        func serve() {
            while let request = receive() {
                for (index, frame) in answer(to: request).enumerated() {
                    zmq_send(handle, frame, frame.count, index < 5 ? ZMQ_SNDMORE : 0)
                }
            }
            zmq_close(handle)
        }

        /// Version, request id, status code, status text, user id, metadata: six frames.
        private func answer(to request: [[UInt8]]) -> [[UInt8]] {
            // Version, request id, domain, address, identity, mechanism, then for CURVE the client's public key.
            let isCurve = request.count == 7 && request[5].elementsEqual("CURVE".utf8)
            let key = isCurve && request[6].count == CurveKey.byteCount ? CurveKey(bytes: request[6]) : nil
            let role = key.flatMap { roles[$0] }
            let parts = role == nil ? ["400", "not on the list", ""] : ["200", "", role?.rawValue ?? ""]
            return [[UInt8]("1.0".utf8), request.count > 1 ? request[1] : []] + parts.map { [UInt8]($0.utf8) } + [[]]
        }

        /// A whole request, waiting for it; nil once the context ends.
        private func receive() -> [[UInt8]]? {
            var frames: [[UInt8]] = []
            while true {
                var frame = zmq_msg_t()
                let size = shim_zmq_receive_frame(handle, &frame, 0)
                guard size >= 0 else {
                    if zmq_errno() == EINTR { continue }
                    return nil
                }
                frames.append([UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(&frame), count: Int(size))))
                let isLast = zmq_msg_more(&frame) == 0
                zmq_msg_close(&frame)
                if isLast { return frames }
            }
        }
    }
}
