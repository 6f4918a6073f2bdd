import Coordination
import Foundation
import Journal
import Messaging

/// A run under a coordinator, as a test looks at it from outside.
struct LiveRun {
    let folder: String

    /// What the coordinator says; nil while there is none that answers.
    func status() throws -> RunStatus? {
        guard let address = address() else { return nil }
        let answer: ServerMessage
        do {
            answer = try ControlClient(connectingTo: address.endpoint).request(
                ClientMessage.control(request: .status), expecting: ServerMessage.self, timeoutMilliseconds: 500)
        } catch MessagingError.noAnswer {
            return nil
        }
        guard case .control(.status(let run)) = answer else { return nil }
        return run
    }

    /// Where the coordinator says it is; nil while there is none.
    func address() -> CoordinatorAddress? {
        FileManager.default.contents(atPath: "\(folder)/coordinator.json").flatMap {
            try? JSONDecoder().decode(CoordinatorAddress.self, from: $0)
        }
    }

    /// Waits until a step of a stage is granted, and returns the status then.
    ///
    /// Grants are in the journal at once; the steps a rank has completed are only known once a second.
    func reach(_ stage: String, step: Int) async throws -> RunStatus {
        try await eventually("step \(step) of \(stage)") {
            // Until the run has begun there is no journal.
            let plans = (try? journal().plans()) ?? []
            let isGranted = plans.contains { $0.stage == stage && $0.firstStep + $0.kinds.count > step }
            return isGranted ? try status() : nil
        }
    }

    func journal() throws -> Journal { try Journal.reading(path: "\(folder)/journal.sqlite") }
}
