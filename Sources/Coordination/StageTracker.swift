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

    /// How the student of the stage fares; nil before its first update.
    package private(set) var health: StudentHealth?
    /// What ended the stage before its goal; nil as long as nothing did.
    package private(set) var collapse: Collapse?

    /// How far the stage with a student had come when it was left: status tells that in the stages after it.
    private struct Distillation {
        var ratios: RatioSchedule
        var step: Int
        var health: StudentHealth?
    }

    private var distillation: Distillation?
    private var parked: [String: StageScheduler] = [:]
    private var storedRatios: [String: RatioSchedule]
    private var histories: [String: StudentHistory]
    private var isStopping = false
    private var drainedGeneration: Int?
    private var begunIn = 0
    /// The most steps of each stage that an earlier launch completed.
    private var reached: [String: Int]

    /// A tracker; the arguments are what an earlier run journalled, by stage name: the schedules, the completed steps, and
    /// what the student updates measured.
    package init(
        ratios: [String: RatioSchedule] = [:], reached: [String: Int] = [:], histories: [String: StudentHistory] = [:]
    ) {
        storedRatios = ratios
        self.reached = reached
        self.histories = histories
        // One stage of a run at most has a student.
        distillation = ratios.first.map { stage, ratios in
            Distillation(
                ratios: ratios, step: reached[stage] ?? 0, health: histories[stage].flatMap(StudentHealth.of))
        }
    }

    /// Goes on in the middle of a launch.
    package mutating func resume(_ launch: LiveLaunch) {
        begunIn = launch.generation
        step = launch.step
        if let stage = launch.stage {
            scheduler = StageScheduler(
                stage, ratios: storedRatios[stage.name], granted: launch.windows, everGrantedEnd: launch.everGrantedEnd,
                savesAsked: launch.savesAsked)
            health = histories[stage.name].flatMap(StudentHealth.of)
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
        if let ratios = scheduler?.ratios { distillation = Distillation(ratios: ratios, step: step, health: health) }
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
        histories[declaration.name]?.forget(from: declaration.startStep)
        health = histories[declaration.name].flatMap(StudentHealth.of)
        collapse = nil
        return entries + [.stageBegun(generation: generation, declaration, totalSteps: scheduler?.endStep ?? 0)]
    }

    /// The answer to a request for a window.
    package enum WindowOutcome: Equatable, Sendable {
        /// The window, and what is new about it.
        case granted(PlanWindow, [JournalEntry])
        /// The ratio of its steps will be decided once the metrics are here.
        case undecided
        /// No window begins there.
        case refused
    }

    /// Grants the window that begins at a step, deciding the ratio of its steps if that is due.
    package mutating func window(
        stage: String, from step: Int, stepsPerSecond: Double, generation: Int
    ) -> WindowOutcome {
        guard scheduler?.declaration.name == stage else { return .refused }
        var decided = decideRatio(generation: generation)
        if scheduler?.isUndecided(from: step) == false,
            let decision = scheduler?.spaceSaves(stepsPerSecond: stepsPerSecond)
        {
            decided.append(.event(generation: generation, kind: "saves_spaced", detail: decision.detail(of: stage)))
        }
        guard let grant = scheduler?.window(from: step, stepsPerSecond: stepsPerSecond) else {
            return scheduler?.isUndecided(from: step) == true ? .undecided : .refused
        }
        let planned: [JournalEntry] =
            grant.isNew ? [.planGranted(generation: generation, window: grant.window)] : []
        return .granted(grant.window, decided + planned)
    }

    private mutating func decideRatio(generation: Int) -> [JournalEntry] {
        guard let stage = scheduler?.declaration.name,
            let (decision, segment) = scheduler?.decideRatio(histories[stage] ?? StudentHistory())
        else { return [] }
        return [
            .ratioChanged(stage: stage, segment: segment),
            .event(
                generation: generation, kind: "ratio_decided",
                detail: decision.detail.merging(["stage": stage, "steps": "\(scheduler?.endStep ?? 0)"]) { $1 }),
        ]
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
    package mutating func note(_ metrics: [MetricRow], generation: Int) -> [JournalEntry] {
        guard !metrics.isEmpty else { return [] }
        let stage = scheduler?.declaration.name
        for row in metrics {
            if row.stage == stage { latestMetrics[row.name] = row.value }
            if row.stage == stage, row.name == MetricRow.stallSeconds { scheduler?.noteSave(stallSeconds: row.value) }
            histories[row.stage, default: StudentHistory()].add(row)
        }
        let entries = [JournalEntry.metrics(rows: metrics)]
        guard let stage, collapse == nil else { return entries }
        let before = health?.grade
        if let history = histories[stage] { health = StudentHealth.of(history) }
        if let row = metrics.first(where: { $0.stage == stage && $0.isBroken }) {
            note(collapse: "\(row.name) is \(row.value)", at: row.step)
        } else if health?.grade == .collapsed, let cause = health?.cause {
            note(collapse: cause, at: metrics.last { $0.stage == stage }?.step ?? step)
        }
        if let collapse {
            return entries + [.event(generation: generation, kind: "collapsed", detail: collapse.detail)]
        }
        guard let health, (health.grade == .unhealthy) != (before == .unhealthy) else { return entries }
        return entries + [
            .event(
                generation: generation, kind: "health",
                detail: [
                    "stage": stage, "step": "\(metrics.last?.step ?? 0)", "grade": health.grade.rawValue,
                    "verdict": health.line,
                ])
        ]
    }

    private mutating func note(collapse cause: String, at step: Int) {
        guard let scheduler else { return }
        let stage = scheduler.declaration.name
        let isUnsound = health?.grade == .unhealthy || health?.grade == .collapsed
        let sound = isUnsound ? histories[stage].flatMap(StudentHealth.lastSoundStep) : step - 1
        collapse = Collapse(
            stage: stage, step: step, studentUpdates: scheduler.ratios?.studentUpdates(before: step + 1), cause: cause,
            lastSoundStep: sound ?? scheduler.declaration.startStep)
    }

    /// Why the state after so many steps must not be published; nil if it may.
    package func reasonNotToPublish(stage: String, step: Int) -> String? {
        guard let scheduler, scheduler.declaration.name == stage else { return nil }
        if let collapse { return collapse.description }
        // The state that ends the stage has no later one to wait for.
        guard let health, health.grade == .unhealthy, step < scheduler.endStep else { return nil }
        return "the student is unhealthy: \(health.cause ?? "")"
    }

    /// Carries out a person's request on the current stage. `status` is not among them: it changes nothing.
    package mutating func request(_ request: ControlRequest) -> (reply: ControlReply, entries: [JournalEntry]) {
        let name = scheduler?.declaration.name ?? ""
        switch request {
        case .setRatio(let ratio):
            guard (1...Self.maximumRatio).contains(ratio) else {
                return (.refused(reason: "ratio \(ratio): it must be 1 to \(Self.maximumRatio)"), [])
            }
            let segment: RatioSchedule.Segment
            do throws(StageRefusal) {
                guard let changed = try scheduler?.setRatio(ratio) else { throw .noStudent }
                segment = changed
            } catch {
                return (.refused(reason: reason(error)), [])
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
            let step: Int
            do throws(StageRefusal) {
                guard let asked = try scheduler?.saveSoon() else { throw .nothingTrained }
                step = asked
            } catch {
                return (.refused(reason: reason(error)), [])
            }
            return (
                .accepted(
                    step: step, message: "'\(name)' will be saved at step \(step); it is at step \(self.step) now"),
                [.event(generation: begunIn, kind: "save_asked", detail: ["stage": name, "step": "\(step)"])]
            )
        case .stop:
            isStopping = true
            guard let step = scheduler?.stop() else { return (.accepted(step: nil, message: "stopping"), []) }
            guard scheduler?.trains == true else {
                return (.accepted(step: nil, message: "stopping; '\(name)' is done again at the next start"), [])
            }
            return (.accepted(step: step, message: "stopping after step \(step) of '\(name)'"), [])
        case .status:
            return (.refused(reason: "status is no request of a stage"), [])
        }
    }

    /// One line for a person: why, and what to do.
    private func reason(_ refusal: StageRefusal) -> String {
        guard let name = scheduler?.declaration.name else { return "no stage has begun yet: ask again once one has" }
        return switch refusal {
        case .noStudent where distillation == nil:
            "stage '\(name)' trains no student: ask again once the distillation has begun"
        case .noStudent: "the distillation is over: its ratio can only be chosen in a new run, as distil.ratio"
        case .automaticRatio:
            "the run sets its ratio itself: a new run with a number for distil.ratio leaves that to you"
        case .nothingTrained: "stage '\(name)' has no state to save: it is done again at the next start"
        case .ending: "this launch stops after the steps it was granted: ask again when the next one trains"
        case .allGranted: "the last steps of '\(name)' are under way: its end is saved by itself"
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
        if let ratios = scheduler.ratios {
            status.describeDistillation(ratios, step: step, health: health)
        } else if let distillation {
            status.describeDistillation(
                distillation.ratios, step: distillation.step, health: distillation.health)
        }
    }
}

extension MetricRow {
    /// True for a loss or a gradient's norm that is not finite: the weights are, or will be, of no use.
    fileprivate var isBroken: Bool {
        !value.isFinite && (name.hasPrefix("loss") || name.hasPrefix("gradient_norm."))
    }
}

extension RatioControl.Decision {
    /// The decision and its evidence, for the journal.
    fileprivate var detail: [String: String] {
        var detail = [
            "step": "\(firstStep)", "from": "\(from)", "ratio": "\(to)", "reason": reason,
            "student_updates": "\(evidence.updates)",
            "measured_steps": "\(evidence.firstStep)-\(evidence.lastStep)",
        ]
        detail["critic_lag"] = evidence.lag.map { "\($0)" }
        detail["brightness_swing"] = evidence.swing.map { "\($0)" }
        detail["earlier_brightness_swing"] = evidence.earlierSwing.map { "\($0)" }
        return detail
    }
}

extension SaveSpacing.Decision {
    /// The decision and its evidence, for the journal.
    fileprivate func detail(of stage: String) -> [String: String] {
        [
            "stage": stage, "interval": "\(interval)", "before": "\(before)", "stall_seconds": "\(stallSeconds)",
            "steps_per_second": "\(stepsPerSecond)",
        ]
    }
}

extension Collapse {
    /// What is known of it, for the journal.
    package var detail: [String: String] {
        var detail = ["stage": stage, "step": "\(step)", "cause": cause, "last_sound_step": "\(lastSoundStep)"]
        detail["student_updates"] = studentUpdates.map { "\($0)" }
        return detail
    }
}
