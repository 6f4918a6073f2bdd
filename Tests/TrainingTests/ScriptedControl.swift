import Checkpoints
import Coordination
import Training

/// Grants windows of a fixed length, stops after a given step of a stage, and keeps what it is told.
final class ScriptedControl: ControlLink {
    let generation: Int
    private(set) var begun: [StageDeclaration] = []
    private(set) var finishedStages: [String] = []
    private(set) var reports: [ProgressReport] = []
    private(set) var notices: [String] = []
    private(set) var dropped: [(stage: String, step: Int, reason: String)] = []
    private(set) var isFinished = false
    /// Called when a stage begins.
    var onBegin: (_ stage: String) -> Void = { _ in }
    /// Called when a window is asked for; what it throws ends the rank.
    var onWindow: (_ stage: String, _ step: Int) throws(ControlError) -> Void = { _, _ throws(ControlError) in }
    /// Called when a checkpoint is given up.
    var onDrop: (_ stage: String, _ step: Int) -> Void = { _, _ in }

    private let stop: (stage: String, step: Int)?
    private let layout: RunFolderLayout
    private var scheduler: StageScheduler?
    private var publication = Result<Void, ControlError>.success(())

    init(runFolder: String, generation: Int = 1, stop: (stage: String, step: Int)? = nil) {
        self.generation = generation
        self.stop = stop
        layout = RunFolderLayout(runFolder)
    }

    func beginStage(_ stage: StageDeclaration) throws(ControlError) {
        begun.append(stage)
        onBegin(stage.name)
        scheduler = StageScheduler(stage)
    }

    func window(stage: String, from step: Int) throws(ControlError) -> PlanWindow {
        try onWindow(stage, step)
        if let stop, stop.stage == stage, step >= stop.step { scheduler?.stop() }
        guard let grant = scheduler?.window(from: step, stepsPerSecond: 0) else {
            throw .refused(reason: "no window of \(stage) begins at step \(step)")
        }
        return grant.window
    }

    func report(_ report: ProgressReport) { reports.append(report) }

    func beginPublishing(_ draft: CheckpointDraft) throws(ControlError) {
        let store =
            draft.isOnNodes ? layout.nodeCheckpoints(of: draft.stage) : layout.checkpoints(of: draft.stage)
        let result = Result { () throws(CheckpointError) in
            let checkpoint = try store.publish(draft)
            try store.removeOutdated(after: draft.step, generation: draft.generation)
            return checkpoint
        }
        publication = result.map { _ in }.mapError {
            .checkpointFailed(stage: draft.stage, step: draft.step, reason: "\($0)")
        }
    }

    func hasPublished() throws(ControlError) -> Bool {
        defer { publication = .success(()) }
        try publication.get()
        return true
    }

    func awaitPublication() throws(ControlError) { _ = try hasPublished() }

    func checkpointDropped(_ stage: String, step: Int, reason: String) throws(ControlError) {
        dropped.append((stage, step, reason))
        onDrop(stage, step)
    }

    func notice(_ text: String) throws(ControlError) { notices.append(text) }
    func stageFinished(_ stage: String, step: Int) throws(ControlError) { finishedStages.append(stage) }
    func finished() throws(ControlError) { isFinished = true }
    func failed(_ status: ExitStatus, reason: String) {}
}
