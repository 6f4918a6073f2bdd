import Checkpoints
package import Coordination
import Journal
import Messaging

extension ExitStatus {
    /// How a program ends that meets this error; nil if the error is none of this project's lower modules.
    package init?(for error: any Error) {
        switch error {
        case let error as ConfigurationError: self = error.exitStatus
        case let error as ControlError: self = error.exitStatus
        case let error as RunFolderError: self = error.exitStatus
        case let error as CheckpointError: self = Self.status(for: error)
        case is MessagingError: self = .unavailable
        case is JournalError: self = .runFolderUnusable
        default: return nil
        }
    }

    private static func status(for error: CheckpointError) -> ExitStatus {
        switch error {
        case .locked, .system: .runFolderUnusable
        case .damaged, .mismatch, .incomplete: .badData
        case .superseded: .stoppedResumable
        }
    }
}
