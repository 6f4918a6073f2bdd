import Messaging

/// The coordinator's HTTP pages, without a socket: what is answered to whom.
package struct StatusPages: Sendable {
    /// An answer.
    package struct Page: Sendable, Equatable {
        /// HTTP's status code.
        package var code: Int
        /// The type of the body.
        package var contentType: String
        /// The body; a line feed at its end.
        package var body: String

        static func text(_ code: Int, _ line: String) -> Page {
            Page(code: code, contentType: "text/plain; charset=utf-8", body: line + "\n")
        }
    }

    private let token: String?

    /// Pages for everybody, or for those who send `Authorization: Bearer TOKEN`.
    package init(token: String?) { self.token = token }

    /// Answers a GET of a path. `observation` is the newest; nil: the coordinator's loop has not begun.
    ///
    /// `/healthz` and `/readyz` need no token, since what probes them has none, and tell nothing else.
    package func page(
        _ path: String, authorization: String?, observation: RunObservation?, at now: Double
    ) -> Page {
        switch path {
        case "/healthz":
            return verdict(observation.map { $0.illness(at: now) } ?? "starting")
        case "/readyz":
            return verdict(observation.map { $0.unreadiness(at: now) } ?? "starting")
        case "/metrics", "/status":
            guard isAllowed(authorization) else { return .text(401, "the token of coordinator.httpToken is needed") }
            guard let observation else { return .text(503, "starting") }
            return path == "/metrics"
                ? Page(code: 200, contentType: PrometheusText.contentType, body: PrometheusText(observation).text)
                : status(observation)
        default:
            return .text(404, "there are /metrics, /status, /healthz and /readyz")
        }
    }

    private func verdict(_ problem: String?) -> Page { problem.map { .text(503, $0) } ?? .text(200, "ok") }

    private func status(_ observation: RunObservation) -> Page {
        do {
            let json = String(decoding: try WireFormat.encode(observation.status), as: UTF8.self)
            return Page(code: 200, contentType: "application/json", body: json + "\n")
        } catch {
            return .text(500, "\(error)")
        }
    }

    /// Takes as long for a token that is wrong at its end as for one that is wrong at once.
    private func isAllowed(_ authorization: String?) -> Bool {
        guard let token else { return true }
        let (expected, given) = (Array("Bearer \(token)".utf8), Array((authorization ?? "").utf8))
        guard expected.count == given.count else { return false }
        return zip(expected, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
