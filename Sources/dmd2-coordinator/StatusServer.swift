import Coordination
import Dispatch
import FlyingFox
import FlyingSocks
import Foundation
import Synchronization
import Training

/// Serves the run's pages over HTTP. The coordinator's loop leaves what there is to show; it never waits for a reader.
final class StatusServer: Sendable {
    private let server: HTTPServer
    private let board: Board
    private let beginning = Beginning()

    /// The newest observation, left by one thread and read by others.
    private final class Board: Sendable {
        let newest = Mutex<RunObservation?>(nil)
    }

    /// Listens at an endpoint from here on, until the program ends. Throws a `ProgramFailure` if it cannot.
    init(endpoint: HTTPEndpoint, pages: StatusPages) throws {
        let board = Board()
        self.board = board
        let address: sockaddr_in
        do {
            address = try .inet(ip4: endpoint.host, port: endpoint.port)
        } catch {
            throw Self.failure(endpoint, error)
        }
        let handler = ClosureHTTPHandler { request in
            Self.response(to: request, pages, board.newest.withLock { $0 })
        }
        server = HTTPServer(address: address, logger: .disabled, handler: handler)
        try start(endpoint)
    }

    /// Shows this from now on.
    func show(_ observation: RunObservation) { board.newest.withLock { $0 = observation } }

    /// The address that was taken, such as `http://127.0.0.1:9464`.
    var address: String { beginning.address }

    /// Waits until the server listens, and throws if it will not.
    private func start(_ endpoint: HTTPEndpoint) throws {
        let (server, beginning) = (self.server, self.beginning)
        Task.detached {
            do {
                try await server.run()
            } catch {
                beginning.settle(.failure(error))
            }
        }
        Task.detached {
            do {
                try await server.waitUntilListening()
                guard case .ip4(_, let port)? = await server.listeningAddress else { throw SocketError.disconnected }
                beginning.settle(.success("http://\(endpoint.host):\(port)"))
            } catch {
                beginning.settle(.failure(error))
            }
        }
        if let error = beginning.failure { throw Self.failure(endpoint, error) }
    }

    /// Whether the server listens: known once, whoever finds out first.
    private final class Beginning: Sendable {
        private let outcome = Mutex<Result<String, any Error>?>(nil)
        private let isKnown = DispatchSemaphore(value: 0)

        func settle(_ result: Result<String, any Error>) {
            outcome.withLock { $0 = $0 ?? result }
            isKnown.signal()
        }

        /// Why it does not listen; waits until that is known.
        var failure: (any Error)? {
            isKnown.wait()
            return outcome.withLock { if case .failure(let error)? = $0 { error } else { nil } }
        }

        var address: String { outcome.withLock { try? $0?.get() } ?? "" }
    }

    private static func failure(_ endpoint: HTTPEndpoint, _ error: any Error) -> ProgramFailure {
        ProgramFailure(
            status: .unavailable,
            description: "coordinator.httpEndpoint \(endpoint): nothing can listen there "
                + "(\(error.localizedDescription)); use another port, "
                + "such as \(endpoint.host):*, or leave it out")
    }

    private static func response(
        to request: HTTPRequest, _ pages: StatusPages, _ observation: RunObservation?
    ) -> HTTPResponse {
        guard request.method == .GET else { return HTTPResponse(statusCode: .methodNotAllowed) }
        let page = pages.page(
            request.path, authorization: request.headers[.authorization], observation: observation,
            at: monotonicSeconds())
        let phrases = [200: "OK", 401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error"]
        return HTTPResponse(
            statusCode: HTTPStatusCode(page.code, phrase: phrases[page.code] ?? "Service Unavailable"),
            headers: [.contentType: page.contentType], body: Data(page.body.utf8))
    }
}
