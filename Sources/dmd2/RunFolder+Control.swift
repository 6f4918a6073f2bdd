package import Coordination
import Messaging

extension RunFolder {
    /// Why a command that needs a coordinator fails here.
    var noCoordinator: CommandFailure {
        CommandFailure(.unavailable, "\(path): no coordinator is alive; dmd2 run CONFIG starts or continues the run")
    }

    /// Sends a request to the run's coordinator and returns its answer.
    ///
    /// Throws: a `CommandFailure` if no coordinator lives or it refuses, a `MessagingError` if it does not answer.
    package func ask(_ request: ControlRequest, timeoutMilliseconds: Int = 2000) throws -> ControlReply {
        guard let coordinator = liveCoordinator else {
            throw CommandFailure(
                .unavailable, "\(path): no coordinator is alive; dmd2 run CONFIG starts or continues the run")
        }
        let client = try ControlClient(connectingTo: coordinator.endpoint)
        let answer = try client.request(
            ClientMessage.control(request: request), expecting: ServerMessage.self,
            timeoutMilliseconds: timeoutMilliseconds)
        switch answer {
        case .control(.refused(let reason)): throw CommandFailure(.unexpectedFailure, "\(path): refused: \(reason)")
        case .control(let reply): return reply
        case .unreadable(let reason): throw MessagingError.unreadable(reason: reason)
        case .worker: throw MessagingError.unreadable(reason: "an answer meant for a worker")
        }
    }

    /// The state of the run, from its coordinator. Throws as `ask` does.
    package func status(timeoutMilliseconds: Int = 2000) throws -> RunStatus {
        guard case .status(let run) = try ask(.status, timeoutMilliseconds: timeoutMilliseconds) else {
            throw MessagingError.unreadable(reason: "no status in the answer")
        }
        return run
    }

    /// Asks for a change and prints what the coordinator says about it.
    package func order(_ request: ControlRequest) throws {
        guard case .accepted(_, let message) = try ask(request) else {
            throw MessagingError.unreadable(reason: "neither accepted nor refused")
        }
        print(message)
    }
}
