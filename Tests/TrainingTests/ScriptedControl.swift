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
    private(set) var isFinished = false

    private let stop: (stage: String, step: Int)?
    private let layout: RunFolderLayout
    private var scheduler: StageScheduler?

    init(runFolder: String, generation: Int = 1, stop: (stage: String, step: Int)? = nil) {
        self.generation = generation
        self.stop = stop
        layout = RunFolderLayout(runFolder)
    }

    func beginStage(_ stage: StageDeclaration) throws(ControlError) {
        begun.append(stage)
        scheduler = StageScheduler(stage)
    }

    func window(stage: String, from step: Int) throws(ControlError) -> PlanWindow {
        if let stop, stop.stage == stage, step >= stop.step { scheduler?.stop() }
        guard let grant = scheduler?.window(from: step, stepsPerSecond: 0) else {
            throw .refused(reason: "no window of \(stage) begins at step \(step)")
        }
        return grant.window
    }

    func report(_ report: ProgressReport) { reports.append(report) }

    func checkpointPrepared(_ draft: CheckpointDraft) throws(ControlError) {
        do {
            _ = try layout.checkpoints(of: draft.stage).publish(draft)
        } catch {
            throw .checkpointFailed(stage: draft.stage, step: draft.step, reason: "\(error)")
        }
    }

    func notice(_ text: String) throws(ControlError) { notices.append(text) }
    func stageFinished(_ stage: String, step: Int) throws(ControlError) { finishedStages.append(stage) }
    func finished() throws(ControlError) { isFinished = true }
    func failed(_ status: ExitStatus, reason: String) {}
}
