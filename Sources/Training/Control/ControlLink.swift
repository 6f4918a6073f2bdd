package import Checkpoints
package import Coordination

/// A worker's line to whoever schedules the run: the coordinator, or rank 0 itself.
///
/// Every rank has one. `report` and `failed` are for every rank; the rest is for rank 0, which broadcasts what it
/// learns over MPI. Calls come from the training thread only.
package protocol ControlLink: AnyObject {
    /// Number of this launch; checkpoints are written under it.
    var generation: Int { get }

    /// Enters a stage. Call it before the stage's first window, also for a stage without windows.
    func beginStage(_ stage: StageDeclaration) throws(ControlError)

    /// The steps to run from `step` on, which must be where the window before ended. Blocks until they are granted,
    /// which takes no time as long as the coordinator lives: the next window is asked for ahead of time.
    func window(stage: String, from step: Int) throws(ControlError) -> PlanWindow

    /// Reports progress. Call it after every step and whenever a phase begins; it costs microseconds.
    func report(_ report: ProgressReport)

    /// Has a checkpoint published, now that the shards of all ranks are on disk, and returns at once. One at a time.
    func beginPublishing(_ draft: CheckpointDraft) throws(ControlError)

    /// True once what was begun is published, or if nothing was.
    /// Throws `checkpointFailed` if it cannot be; what was published before is unharmed.
    func hasPublished() throws(ControlError) -> Bool

    /// Returns when what was begun is published. Throws as `hasPublished` does.
    func awaitPublication() throws(ControlError)

    /// Says that the checkpoint after this many steps is given up, and why; training goes on.
    func checkpointDropped(_ stage: String, step: Int, reason: String) throws(ControlError)

    /// Tells the person who started the run something, in one line, and the journal too.
    func notice(_ text: String) throws(ControlError)

    /// Completes a stage after this many steps.
    func stageFinished(_ stage: String, step: Int) throws(ControlError)

    /// Completes the run. Nothing may be called afterwards.
    func finished() throws(ControlError)

    /// Says why this rank is about to leave. Waits a moment for the message to get out.
    func failed(_ status: ExitStatus, reason: String)
}

/// What a rank has done.
package struct ProgressReport: Sendable {
    /// The stage it is in.
    package var stage: String
    /// Steps of the stage completed.
    package var step: Int
    /// Steps of the stage in all.
    package var totalSteps: Int
    /// What it does next.
    package var phase: Phase
    /// Measured by the last completed step. Only rank 0's are kept.
    package var metrics: [(name: String, value: Double)]
    /// Images consumed by the last step on all ranks together.
    package var images: Int

    /// Creates a report; see the properties for the meaning of each argument.
    package init(
        stage: String, step: Int, totalSteps: Int, phase: Phase, metrics: [(name: String, value: Double)] = [],
        images: Int = 0
    ) {
        self.stage = stage
        self.step = step
        self.totalSteps = totalSteps
        self.phase = phase
        self.metrics = metrics
        self.images = images
    }
}

/// Why a worker cannot go on, or a checkpoint was not made.
package enum ControlError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The coordinator has not answered for this many seconds.
    case coordinatorLost(endpoint: String, seconds: Int)
    /// The coordinator has begun a later launch.
    case superseded(reason: String)
    /// The coordinator refused a request.
    case refused(reason: String)
    /// A checkpoint could not be published.
    case checkpointFailed(stage: String, step: Int, reason: String)
    /// Training has gone wrong beyond repair; the text says how, and where the run went back to.
    case collapsed(String)
    /// The environment that the coordinator gives its workers makes no sense.
    case badEnvironment(variable: String, value: String)
    /// The journal could not be written.
    case journal(String)

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        switch self {
        case .coordinatorLost(let endpoint, let seconds):
            "the coordinator at \(endpoint) has not answered for \(seconds) s: start the run again to continue it"
        case .superseded(let reason): "this worker has been replaced: \(reason)"
        case .refused(let reason): "the coordinator refused: \(reason)"
        case .checkpointFailed(let stage, let step, let reason):
            "the checkpoint of \(stage) after step \(step) was not published: \(reason)"
        case .badEnvironment(let variable, let value):
            "\(variable)='\(value)' makes no sense: let dmd2-coordinator start the workers, or unset it"
        case .collapsed(let text): text
        case .journal(let reason): reason
        }
    }

    /// How a program ends that meets this error.
    package var exitStatus: ExitStatus {
        switch self {
        case .coordinatorLost, .superseded: .stoppedResumable
        case .refused: .unexpectedFailure
        case .collapsed: .collapsed
        case .badEnvironment: .usage
        // Of a save in between nobody ends; of a stage's last, half an hour of tries has failed.
        case .checkpointFailed, .journal: .runFolderUnusable
        }
    }
}
