package import Coordination
import Foundation
import Messaging
import Training

extension RunFolder {
    /// Why a command that needs a coordinator fails here.
    var noCoordinator: CommandFailure {
        let state =
            FileManager.default.fileExists(atPath: layout.configuration) ? "no coordinator is alive" : "holds no run"
        return CommandFailure(.unavailable, "\(path): \(state); dmd2 run CONFIG starts or continues it")
    }

    /// Sends a request to the run's coordinator and returns its answer.
    ///
    /// Throws: a `CommandFailure` if no coordinator lives or it refuses, a `MessagingError` if it does not answer.
    package func ask(_ request: ControlRequest, timeoutMilliseconds: Int = 2000) throws -> ControlReply {
        guard let coordinator = liveCoordinator else { throw noCoordinator }
        try checkIsReachable(coordinator)
        let client = try ControlClient(connectingTo: coordinator.endpoint, keys: coordinator.keys(for: request))
        let answer = try client.request(
            ClientMessage.control(request: request), expecting: ServerMessage.self,
            timeoutMilliseconds: timeoutMilliseconds)
        switch answer {
        case .control(.refused(let reason)): throw CommandFailure(.refused, "\(path): refused: \(reason)")
        case .control(let reply): return reply
        case .unreadable(let reason): throw MessagingError.unreadable(reason: reason)
        case .worker: throw MessagingError.unreadable(reason: "an answer meant for a worker")
        }
    }

    /// On another machine's loopback address there is nobody, or somebody else's coordinator.
    private func checkIsReachable(_ coordinator: CoordinatorAddress) throws {
        guard let host = coordinator.host, !coordinator.isOnThisMachine,
            try Endpoint(coordinator.endpoint).isLoopback
        else { return }
        throw CommandFailure(
            .unavailable,
            "\(path): its coordinator is on \(host) and listens only there; give the command there, or start the run with "
                + "coordinator.keys and coordinator.endpoint tcp://0.0.0.0:*")
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

extension CoordinatorAddress {
    /// The keys to make a request with: those that may do no more than it needs, of the folder that `DMD2_KEYS` or the
    /// coordinator names. Nil if the coordinator asks for none.
    func keys(for request: ControlRequest) throws -> ClientKeys? {
        guard let keys else { return nil }
        let folder = KeyFolder(ProcessInfo.processInfo.environment[ControlEnvironment.keys] ?? keys)
        if folder.holdsSecret(of: .status) {
            if request == .status { return try folder.clientKeys(.status) }
            guard folder.holdsSecret(of: .control) else {
                throw CommandFailure(
                    .refused,
                    "\(folder.path) holds status.secret alone, which may ask how the run is and not change it; set "
                        + "\(ControlEnvironment.keys) to a folder with control.secret")
            }
        }
        return try folder.clientKeys(.control)
    }
}
