/// The stage a run is in: its scheduler, what is completed, and what status shows of it.
///
/// Used by the coordinator, and by rank 0 itself where there is none, so both keep the same journal.
package struct StageTracker: Sendable {
    /// More critic updates per student update are a typing error; sums of steps stay far from overflowing.
    package static let maximumRatio = 1_000_000

    /// The scheduler of the current stage; nil before the first.
    package private(set) var scheduler: StageScheduler?
    /// Completed steps of the current stage.
    package private(set) var step = 0
    /// The latest value of every metric of the stage.
    package private(set) var latestMetrics: [String: Double] = [:]

    private var parked: [String: StageScheduler] = [:]
    private var storedRatios: [String: RatioSchedule]
    private var isStopping = false
    private var drainedGeneration: Int?
    private var begunIn = 0
    /// The most steps of each stage that an earlier launch completed.
    private var reached: [String: Int]

    /// A tracker; `ratios` are the schedules an earlier run journalled, and `reached` its completed steps, by stage name.
    package init(ratios: [String: RatioSchedule] = [:], reached: [String: Int] = [:]) {
        storedRatios = ratios
        self.reached = reached
    }

    /// Goes on in the middle of a launch.
    package mutating func resume(_ launch: LiveLaunch) {
        begunIn = launch.generation
        step = launch.step
        if let stage = launch.stage {
            scheduler = StageScheduler(
                stage, ratios: storedRatios[stage.name], granted: launch.windows, everGrantedEnd: launch.everGrantedEnd,
                savesAsked: launch.savesAsked)
        }
        if launch.stopCause != nil { _ = request(.stop) }
        if launch.resizeReason != nil { drain(generation: launch.generation) }
    }

    /// True once a launch has completed a step of its current stage.
    package func hasStepped(in generation: Int) -> Bool {
        begunIn == generation && scheduler.map { step > $0.declaration.startStep } ?? false
    }

    /// True while the stage has not come to where an earlier launch left it.
    package var isBehind: Bool { scheduler.map { step < reached[$0.declaration.name] ?? 0 } ?? false }

    /// Ends a launch one step after what it was granted, with its state saved. The next one goes on.
    package mutating func drain(generation: Int) {
        drainedGeneration = generation
        scheduler?.stop()
    }

    /// A launch is over: what it completed and did not save will be done again.
    package mutating func launchEnded() {
        guard let name = scheduler?.declaration.name else { return }
        reached[name] = max(reached[name] ?? 0, step)
    }

    /// Rank 0 enters a stage, for the first time or again after a restart. Doing so twice in one generation
    /// changes nothing.
    package mutating func begin(_ declaration: StageDeclaration, generation: Int) -> [JournalEntry] {
        if let scheduler, scheduler.declaration == declaration, begunIn == generation { return [] }
        begunIn = generation
        if let scheduler { parked[scheduler.declaration.name] = scheduler }
        var entries: [JournalEntry] = []
        if var earlier = parked[declaration.name] {
            earlier.restart(declaration)
            scheduler = earlier
        } else {
            let stored = storedRatios[declaration.name]
            let begun = StageScheduler(declaration, ratios: stored)
            if stored == nil, let segment = begun.ratios?.lastSegment {
                entries.append(.ratioChanged(stage: declaration.name, segment: segment))
            }
            scheduler = begun
        }
        if isStopping || drainedGeneration == generation { scheduler?.stop() }
        step = declaration.startStep
        latestMetrics = [:]
        return entries + [.stageBegun(generation: generation, declaration, totalSteps: scheduler?.endStep ?? 0)]
    }

    /// Grants the window that begins at a step; nil if it cannot be granted.
    package mutating func window(
        stage: String, from step: Int, stepsPerSecond: Double, generation: Int
    ) -> (window: PlanWindow, entries: [JournalEntry])? {
        guard scheduler?.declaration.name == stage,
            let grant = scheduler?.window(from: step, stepsPerSecond: stepsPerSecond)
        else { return nil }
        return (grant.window, grant.isNew ? [.planGranted(generation: generation, window: grant.window)] : [])
    }

    /// Steps were completed, up to this count. Older news changes nothing.
    package mutating func advance(stage: String, to completed: Int, generation: Int) -> [JournalEntry] {
        guard let scheduler, scheduler.declaration.name == stage, completed > step,
            completed <= max(scheduler.everGrantedEnd, scheduler.endStep)
        else { return [] }
        let kinds = (step..<completed).map(scheduler.kind(of:))
        defer { step = completed }
        return [.stepsCompleted(generation: generation, stage: stage, firstStep: step, kinds: kinds)]
    }

    /// Metrics arrived.
    package mutating func note(_ metrics: [MetricRow]) -> [JournalEntry] {
        for row in metrics where row.stage == scheduler?.declaration.name { latestMetrics[row.name] = row.value }
        return metrics.isEmpty ? [] : [.metrics(rows: metrics)]
    }

    /// Carries out a person's request on the current stage. `status` is not among them: it changes nothing.
    package mutating func request(_ request: ControlRequest) -> (reply: ControlReply, entries: [JournalEntry]) {
        let name = scheduler?.declaration.name ?? ""
        switch request {
        case .setRatio(let ratio):
            guard (1...Self.maximumRatio).contains(ratio) else {
                return (.refused(reason: "ratio \(ratio): it must be 1 to \(Self.maximumRatio)"), [])
            }
            guard let segment = scheduler?.setRatio(ratio) else {
                return (.refused(reason: "no step is left to change, or stage '\(name)' trains no student"), [])
            }
            return (
                .accepted(step: segment.firstStep, message: "ratio \(ratio) from step \(segment.firstStep) on"),
                [
                    .ratioChanged(stage: name, segment: segment),
                    .event(
                        generation: begunIn, kind: "ratio_set",
                        detail: [
                            "stage": name, "ratio": "\(ratio)", "step": "\(segment.firstStep)",
                            "steps": "\(scheduler?.endStep ?? 0)",
                        ]),
                ]
            )
        case .checkpointNow:
            guard let step = scheduler?.saveSoon() else {
                return (.refused(reason: "no step is left to save after"), [])
            }
            return (
                .accepted(step: step, message: "state of '\(name)' will be saved after \(step) steps"),
                [.event(generation: begunIn, kind: "save_asked", detail: ["stage": name, "step": "\(step)"])]
            )
        case .stop:
            isStopping = true
            guard let step = scheduler?.stop() else { return (.accepted(step: nil, message: "stopping"), []) }
            return (.accepted(step: step, message: "stopping after step \(step) of '\(name)'"), [])
        case .status:
            return (.refused(reason: "status is no request of a stage"), [])
        }
    }

    /// Fills in what status says about the stage.
    package func describe(in status: inout RunStatus) {
        guard let scheduler else { return }
        status.stage = scheduler.declaration.name
        status.stageIndex = scheduler.declaration.index
        status.stageCount = scheduler.declaration.count
        status.step = step
        status.totalSteps = scheduler.endStep
        status.losses = latestMetrics
        guard let ratios = scheduler.ratios else { return }
        status.studentUpdates = ratios.studentUpdates(before: step)
        status.criticUpdates = step
        status.ratio = ratios.ratio(at: step)
        if ratios.lastSegment.firstStep > step {
            status.pendingRatio = .init(ratio: ratios.lastSegment.ratio, step: ratios.lastSegment.firstStep)
        }
    }
}
