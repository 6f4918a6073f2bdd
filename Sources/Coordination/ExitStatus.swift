/// How a program of this project ends. Scripts and batch systems read these numbers, so they do not change.
package enum ExitStatus: Int32, Codable, Sendable, CaseIterable {
    /// The run, or the command, did all it was asked to do.
    case done = 0
    /// A failure nobody foresaw; the line on standard error is all there is to know.
    case unexpectedFailure = 1
    /// The command line does not make sense.
    case usage = 2
    /// A data set or a checkpoint is damaged beyond use.
    case badData = 65
    /// An input file is missing or cannot be read.
    case inputMissing = 66
    /// A program or a service that is needed is not available: mpirun, a free port, a coordinator.
    case unavailable = 69
    /// The run folder cannot be used: owned by a live run, made with other settings, or not writable.
    case runFolderUnusable = 73
    /// Stopped before the end with its state saved; starting it again continues.
    case stoppedResumable = 75
    /// The run does not do what it was asked to, and says why: a ratio that it sets itself, say.
    case refused = 77
    /// The configuration is wrong.
    case badConfiguration = 78
    /// The processor lacks instructions this build uses.
    case processorUnsupported = 79
    /// Gave up after restarts without progress; starting it again without a change is pointless.
    case gaveUp = 93
    /// Training collapsed, in a way that is named; the newest checkpoint is the last sound one. Starting it again without
    /// a change is pointless.
    case collapsed = 94

    /// True where a restart would meet the same obstacle, so none is tried.
    package var isPermanent: Bool {
        switch self {
        case .usage, .badData, .inputMissing, .unavailable, .runFolderUnusable, .refused, .badConfiguration,
            .processorUnsupported, .gaveUp, .collapsed:
            true
        case .done, .unexpectedFailure, .stoppedResumable:
            false
        }
    }
}
