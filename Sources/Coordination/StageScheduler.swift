/// Grants the windows of one stage and places what people ask for at the first step not yet granted.
///
/// A worker holds the window it runs and the one after it, never more, so a request takes effect at most two
/// windows ahead. The kind of a step depends on the ratio's segments only, never on when a window was granted.
package struct StageScheduler: Codable, Equatable, Sendable {
    /// How long a window should last, seconds: the time within which a request takes effect is twice this.
    package static let windowSeconds = 2.0
    /// More steps are never granted at a time: the plan would not fit into a message.
    private static let maximumWindowSteps = 20_000

    /// What rank 0 declared when it entered the stage.
    package private(set) var declaration: StageDeclaration
    /// Which steps update the student; nil in a stage without one.
    package private(set) var ratios: RatioSchedule?
    /// The first step not granted in this generation.
    package private(set) var grantedEnd: Int
    /// The first step no generation was granted. Changes of ratio apply from here on, so a replay after a
    /// restart runs the same steps as before.
    package private(set) var everGrantedEnd: Int
    /// True once the run was asked to stop.
    package private(set) var isStopping = false

    /// The loop that sets the ratio; nil where people do.
    private var control: RatioControl?
    private var lastWindow: PlanWindow?
    private var spacing: SaveSpacing
    /// Kept after they are granted: a rank may die before it reaches them.
    private var savesAsked: Set<Int> = []

    /// Begins a stage. `ratios` are the segments of an earlier run of this stage; nil: the declared ratio.
    package init(_ declaration: StageDeclaration, ratios: RatioSchedule? = nil) {
        precondition(declaration.windowSteps >= 1, "StageScheduler: windows of \(declaration.windowSteps) steps")
        self.declaration = declaration
        switch declaration.goal {
        case .steps, .tasks: self.ratios = nil
        case .studentUpdates(_, let ratio, let warmup, let control):
            self.ratios = ratios ?? RatioSchedule(ratio: ratio, firstStudentStep: warmup)
            self.control = control
        }
        spacing = SaveSpacing(declaration)
        grantedEnd = declaration.startStep
        everGrantedEnd = declaration.startStep
    }

    /// Goes on with a stage in the middle of a launch, from the windows that were granted to it in order.
    package init(
        _ declaration: StageDeclaration, ratios: RatioSchedule?, granted: [PlanWindow], everGrantedEnd: Int,
        savesAsked: Set<Int>
    ) {
        self.init(declaration, ratios: ratios)
        lastWindow = granted.last
        grantedEnd = granted.last?.endStep ?? declaration.startStep
        self.everGrantedEnd = max(everGrantedEnd, grantedEnd)
        self.savesAsked = savesAsked
        isStopping = granted.last?.stopsAtEnd ?? false
    }

    /// Begins the stage again, in a new generation that starts from a checkpoint. Saves that were asked for and lie
    /// ahead of it are made this time.
    package mutating func restart(_ declaration: StageDeclaration) {
        self.declaration = declaration
        spacing = SaveSpacing(declaration)
        grantedEnd = declaration.startStep
        lastWindow = nil
        isStopping = false
        savesAsked = savesAsked.filter { $0 > declaration.startStep }
    }

    /// Steps of the stage, as the ratio now stands.
    package var totalSteps: Int {
        switch declaration.goal {
        case .steps(let count), .tasks(let count): count
        case .studentUpdates(let count, let ratio, let warmup, _):
            (ratios ?? RatioSchedule(ratio: ratio, firstStudentStep: warmup)).step(ofStudentUpdate: count)
        }
    }

    /// The step before which windows end until the ratio from there on is decided; nil where people set the ratio.
    private var undecidedStep: Int? {
        guard let control, let ratios else { return nil }
        return control.undecidedStep(ratios)
    }

    /// True if the window from a step on has to wait for a decision about the ratio.
    package func isUndecided(from step: Int) -> Bool {
        step == grantedEnd && step < endStep && undecidedStep == step
    }

    /// Decides the ratio of the next period and returns the decision with its segment; nil if the ratio is a person's,
    /// the stage ends before, or measurements are still to come.
    package mutating func decideRatio(
        _ history: StudentHistory
    ) -> (decision: RatioControl.Decision, segment: RatioSchedule.Segment)? {
        guard let control, var ratios, control.undecidedStep(ratios) < endStep,
            let decision = control.decision(ratios, history, startStep: declaration.startStep)
        else { return nil }
        let segment = ratios.setRatio(decision.to, fromStep: decision.firstStep)
        self.ratios = ratios
        return (decision, segment)
    }

    /// A save of the stage held the steps up for so long, seconds.
    mutating func noteSave(stallSeconds: Double) { spacing.note(stallSeconds: stallSeconds) }

    /// Sets how far apart saves are from what the last one cost; nil if that changes nothing.
    mutating func spaceSaves(stepsPerSecond: Double) -> SaveSpacing.Decision? {
        spacing.decide(stepsPerSecond: stepsPerSecond)
    }

    /// The step before which this run of the stage ends.
    package var endStep: Int { min(totalSteps, declaration.stopAfter ?? totalSteps) }

    /// What a step updates.
    package func kind(of step: Int) -> StepKind { ratios?.kind(of: step) ?? .single }

    /// A window and whether it was granted just now.
    package typealias Grant = (window: PlanWindow, isNew: Bool)

    /// Grants the window that begins at a step, or returns it again if it is the last one granted; nil for any
    /// other step, while `isUndecided`, and in a stage of tasks. `stepsPerSecond` is the speed last reported, 0 if unknown.
    package mutating func window(from step: Int, stepsPerSecond: Double) -> Grant? {
        if let lastWindow, lastWindow.firstStep == step, step != grantedEnd || lastWindow.kinds.isEmpty {
            return (lastWindow, false)
        }
        guard trains, step == grantedEnd, !isUndecided(from: step) else { return nil }
        let window = isStopping ? stopWindow() : stepsWindow(count: windowLength(stepsPerSecond: stepsPerSecond))
        grantedEnd = window.endStep
        everGrantedEnd = max(everGrantedEnd, grantedEnd)
        lastWindow = window
        return (window, true)
    }

    /// Changes the ratio at the first step never granted. Throws: why it cannot.
    package mutating func setRatio(_ ratio: Int) throws(StageRefusal) -> RatioSchedule.Segment {
        guard var ratios else { throw .noStudent }
        guard control == nil else { throw .automaticRatio }
        try checkStepsAreLeft()
        let segment = ratios.setRatio(ratio, fromStep: max(everGrantedEnd, ratios.lastSegment.firstStep))
        self.ratios = ratios
        return segment
    }

    /// Saves state after the first step not yet granted and returns that number of completed steps. Throws: why it
    /// cannot.
    package mutating func saveSoon() throws(StageRefusal) -> Int {
        guard trains else { throw .nothingTrained }
        try checkStepsAreLeft()
        savesAsked.insert(grantedEnd + 1)
        return grantedEnd + 1
    }

    private func checkStepsAreLeft() throws(StageRefusal) {
        guard !isStopping else { throw .ending }
        guard grantedEnd < endStep else { throw .allGranted }
    }

    /// True if the stage has steps and state.
    package var trains: Bool {
        if case .tasks = declaration.goal { false } else { true }
    }

    /// Ends the run one step after those granted so far, and returns the number of steps completed then.
    @discardableResult
    package mutating func stop() -> Int {
        isStopping = true
        return min(grantedEnd + 1, endStep)
    }

    /// A last step to save after: the workers then save and leave where they always do, between two steps.
    private func stopWindow() -> PlanWindow {
        var window = stepsWindow(count: 1)
        window.stopsAtEnd = !window.finishesStage
        if window.stopsAtEnd { window.checkpointAfter = [window.endStep] }
        return window
    }

    private func stepsWindow(count: Int) -> PlanWindow {
        let end = max(grantedEnd, min(endStep, grantedEnd + count, undecidedStep ?? .max))
        let finishes = end >= endStep
        let saves = (grantedEnd..<end).map { $0 + 1 }.filter { completed in
            savesAsked.contains(completed) || finishes && completed == end || spacing.isDue(after: completed)
        }
        return PlanWindow(
            stage: declaration.name, firstStep: grantedEnd, kinds: (grantedEnd..<end).map(kind(of:)),
            checkpointAfter: saves, finishesStage: finishes)
    }

    /// Twice the window before it, within the time and the number of steps a window may have.
    private func windowLength(stepsPerSecond: Double) -> Int {
        let doubled = lastWindow.map { max(1, 2 * $0.kinds.count) } ?? 1
        let inTime = stepsPerSecond > 0 ? max(1, min(stepsPerSecond * Self.windowSeconds, 1e9)) : 1e9
        let longest = control == nil ? Self.maximumWindowSteps : RatioControl.longestWindow
        return min(declaration.windowSteps, longest, doubled, Int(inTime))
    }
}

extension SaveSpacing {
    fileprivate init(_ declaration: StageDeclaration) {
        self.init(interval: declaration.checkpointInterval, maximumStallShare: declaration.maximumStallShare)
    }
}
