import Checkpoints
package import Coordination
import Datasets
import Evaluation
import Journal
import Messaging

extension ExitStatus {
    /// How a program ends that meets this error; nil if the error is none of this project's lower modules.
    package init?(for error: any Error) {
        switch error {
        case let error as ConfigurationError: self = error.exitStatus
        case let error as ControlError: self = error.exitStatus
        case let error as RunFolderError: self = error.exitStatus
        case let error as HostFileError: self = error.exitStatus
        case let error as CheckpointError: self = Self.status(for: error)
        case let error as DatasetError: self = Self.status(for: error)
        case let error as TeacherFileError: self = Self.status(for: error)
        case let error as EvaluationError: self = Self.status(for: error)
        case is MemoryShortage: self = .unavailable
        case is LaunchForecastError: self = .badData
        case is DataMismatch: self = .badConfiguration
        case let error as MissingTeacher: self = error.exitStatus
        case let error as CalibrationImpossible: self = error.exitStatus
        case is WorkerError, is PairError: self = .runFolderUnusable
        case is MessagingError: self = .unavailable
        case let error as SecretFileError: self = Self.status(for: error)
        case is JournalError: self = .runFolderUnusable
        default: return nil
        }
    }

    private static func status(for error: CheckpointError) -> ExitStatus {
        switch error {
        case .locked, .system, .noSpace: .runFolderUnusable
        case .damaged, .mismatch, .incomplete: .badData
        case .unknownStep, .noAverage: .inputMissing
        case .superseded: .stoppedResumable
        }
    }

    private static func status(for error: SecretFileError) -> ExitStatus {
        switch error {
        case .unreadable, .otherOwner, .exposed, .exposedFolder, .noSecret: .inputMissing
        case .exists, .notMade: .runFolderUnusable
        }
    }

    private static func status(for error: DatasetError) -> ExitStatus {
        switch error {
        case .unreadable: .inputMissing
        case .labelsNotNamed: .badConfiguration
        case .notGzip, .truncated, .corrupt, .empty, .wrongColumnCount, .badValue, .notIDX, .truncatedFile,
            .corruptFile, .excess, .countsDiffer, .labelOutOfRange:
            .badData
        }
    }

    private static func status(for error: TeacherFileError) -> ExitStatus {
        switch error {
        case .unusable(.system): .inputMissing
        case .unusable(.mismatch): .badConfiguration
        case .unusable: .badData
        case .other: .runFolderUnusable
        }
    }

    private static func status(for error: EvaluationError) -> ExitStatus {
        switch error {
        case .tooFewSamples: .badConfiguration
        case .featuresNotFinite, .png: .unexpectedFailure
        }
    }
}
