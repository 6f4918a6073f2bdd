import Coordination
import Testing

@Suite final class CoordinatorTests {
    private var coordinator = Coordinator(
        runName: "digits", pid: 7, rankCount: 2, restartBudget: 3, lastGeneration: 4)

    init() { _ = coordinator.handle(.started, at: 0) }

    private func tell(
        _ message: WorkerMessage, rank: Int = 0, generation: Int = 5, at now: Double = 1
    ) -> [Coordinator.Effect] {
        coordinator.handle(.worker(.init(generation: generation, rank: rank, message: message)), at: now)
    }

    private func begin(generation: Int = 5, at startStep: Int = 0) {
        for rank in 0..<2 {
            _ = tell(.hello(host: "a", pid: Int32(rank + 1), ranks: 2), rank: rank, generation: generation)
        }
        let stage = StageDeclaration(
            name: "distil", index: 0, count: 1, goal: .studentUpdates(count: 4, ratio: 5), startStep: startStep,
            checkpointInterval: 10, windowSteps: 8)
        _ = tell(.beginStage(stage: stage), generation: generation)
    }

    private func replies(_ effects: [Coordinator.Effect]) -> [CoordinatorMessage] {
        effects.compactMap { if case .reply(let message) = $0 { message } else { nil } }
    }

    @Test("A message of an older or a later generation is refused and changes nothing", arguments: [4, 6])
    func fencing(generation: Int) {
        begin()
        let effects = tell(.planRequest(stage: "distil", firstStep: 0), generation: generation)
        guard effects.count == 1, case .reply(.superseded) = effects[0] else {
            Issue.record("\(effects)")
            return
        }
        #expect(coordinator.status(at: 1).generation == 5)
    }

    @Test(
        "Where a first launch reaches no rank, the only other machine is left out, and no restart is charged",
        arguments: [
            (["here", "there"], ["here"]), (["there", "here"], ["here"]),
            // Nobody can tell which of the others it was.
            (["here", "there", "elsewhere"], ["here", "there", "elsewhere"]), (["there"], ["there"]),
        ])
    func unreachable(names: [String], left: [String]) {
        let pool = HostPool(
            names.map { HostSlots(name: $0, slots: 1) }, policy: .init(minRanks: 1, maxRanks: 4, growAfterSeconds: 60))
        var coordinator = Coordinator(
            runName: "digits", pid: 7, hosts: pool, ownHosts: ["here"], restartBudget: 3)
        _ = coordinator.handle(.started, at: 0)
        _ = coordinator.handle(.launchEnded(generation: 1, .exited(code: 255), detail: ""), at: 1)
        #expect(coordinator.generation == 2)
        #expect(coordinator.placement.hosts.map(\.name) == left)
        #expect(coordinator.status(at: 1).restarts.used == (left == names ? 1 : 0))
    }

    @Test("A rank that never comes is given up after two minutes at first, later after what launches have taken")
    func neverComes() {
        /// The second after the launch at which a rank that has not come is given up.
        func givenUp(_ coordinator: inout Coordinator, launchedAt start: Double) -> Double? {
            (1...200).map(Double.init).first {
                coordinator.handle(.tick, at: start + $0).contains {
                    if case .supervise(.terminate) = $0 { true } else { false }
                }
            }
        }
        var first = coordinator
        #expect(givenUp(&first, launchedAt: 0) == 121)
        for (seconds, limit) in [(1.0, 31.0), (5, 51), (50, 121)] {
            var later = coordinator
            for rank in 0..<2 {
                let hello = WorkerMessage.hello(host: "a", pid: Int32(rank + 1), ranks: 2)
                _ = later.handle(.worker(.init(generation: 5, rank: rank, message: hello)), at: seconds)
            }
            _ = later.handle(.launchEnded(generation: 5, .exited(code: 137), detail: ""), at: seconds + 1)
            #expect(later.generation == 6)
            #expect(givenUp(&later, launchedAt: seconds + 1) == limit)
        }
    }

    @Test("Hosts that cannot be looked up are told once, and again if it is for another reason")
    func hostsUnknown() {
        #expect(coordinator.handle(.hostsUnknown(reason: "a"), at: 1).count == 3)
        #expect(coordinator.handle(.hostsUnknown(reason: "a"), at: 2).isEmpty)
        #expect(coordinator.handle(.hostsUnknown(reason: "b"), at: 3).count == 3)
        _ = coordinator.handle(.hostsFound([]), at: 4)
        #expect(coordinator.handle(.hostsUnknown(reason: "b"), at: 5).count == 3)
    }

    @Test("A rank the coordinator does not know is asked to say hello, then welcomed")
    func helloAgain() {
        #expect(replies(tell(.heartbeat(heartbeat: Heartbeat()))) == [.helloWanted])
        #expect(replies(tell(.hello(host: "a", pid: 1, ranks: 2))) == [.welcome])
        #expect(replies(tell(.heartbeat(heartbeat: Heartbeat()))) == [.heartbeatSeen(number: nil)])
    }

    @Test("Only rank 0 may plan, and only ranks of this run may speak")
    func strangers() {
        begin()
        for (rank, message) in [(1, WorkerMessage.planRequest(stage: "distil", firstStep: 0)), (2, .finished)] {
            guard case .refused? = replies(tell(message, rank: rank)).first else {
                Issue.record("rank \(rank) was heard")
                continue
            }
        }
        guard case .refused? = replies(tell(.hello(host: "a", pid: 1, ranks: 3))).first else {
            Issue.record("a world of another size was welcomed")
            return
        }
    }

    @Test("A plan is journalled before it is sent, and once")
    func planIsJournalled() {
        begin()
        let first = tell(.planRequest(stage: "distil", firstStep: 0))
        let window = PlanWindow(stage: "distil", firstStep: 0, kinds: [.criticAndStudent])
        #expect(first == [.record(.planGranted(generation: 5, window: window)), .reply(.plan(window: window))])
        #expect(tell(.planRequest(stage: "distil", firstStep: 0)) == [.reply(.plan(window: window))])
    }

    @Test("Completed steps are journalled once, with what they updated")
    func stepsAreJournalled() {
        begin()
        for step in [0, 1, 3] { _ = tell(.planRequest(stage: "distil", firstStep: step)) }
        let heartbeat = WorkerMessage.heartbeat(heartbeat: Heartbeat(stage: "distil", step: 6, phase: .training))
        let kinds: [StepKind] = [.criticAndStudent] + Array(repeating: .criticOnly, count: 4) + [.criticAndStudent]
        #expect(
            tell(heartbeat).contains(
                .record(.stepsCompleted(generation: 5, stage: "distil", firstStep: 0, kinds: kinds))))
        #expect(tell(heartbeat) == [.reply(.heartbeatSeen(number: nil))])
        let status = coordinator.status(at: 2)
        #expect(status.step == 6)
        #expect(status.studentUpdates == 2)
        #expect(status.criticUpdates == 6)
        #expect(status.totalSteps == 20)
    }

    private static let evaluation = StageDeclaration(
        name: "evaluate", index: 1, count: 2, goal: .tasks(count: 8), checkpointInterval: 0, windowSteps: 8)

    @Test("A stage begins without the speed and the steps of the one before, and keeps the distillation's updates")
    func nextStage() {
        begin()
        let heartbeat = Heartbeat(
            stage: "distil", step: 20, phase: .training, stepsPerSecond: 10, imagesPerSecond: 640)
        for rank in 0..<2 { _ = tell(.heartbeat(heartbeat: heartbeat), rank: rank) }
        #expect(coordinator.status(at: 1).imagesPerSecond == 640)

        _ = tell(.beginStage(stage: Self.evaluation))
        let status = coordinator.status(at: 2)
        #expect(status.stage == "evaluate" && status.step == 0 && status.totalSteps == 8)
        #expect(status.imagesPerSecond == 0 && status.etaSeconds == nil)
        #expect(status.ranks.map(\.step) == [0, 0])
        #expect(status.studentUpdates == 4 && status.criticUpdates == 20 && status.ratio == 5)
    }

    @Test("A start that has only the evaluation left knows the distillation's updates from the journal")
    func updatesOfEarlierStart() {
        var stages = StageTracker(ratios: ["distil": RatioSchedule(ratio: 5)], reached: ["distil": 20])
        _ = stages.begin(Self.evaluation, generation: 6)
        var status = coordinator.status(at: 1)
        #expect(status.ratio == nil)
        stages.describe(in: &status)
        #expect(status.studentUpdates == 4 && status.criticUpdates == 20 && status.ratio == 5)
    }

    @Test("The memory of every rank is journalled by its step and shown beside it")
    func memoryIsJournalled() {
        begin()
        let memory = MemoryUse(residentBytes: 300, poolBytes: 200)
        let heartbeat = Heartbeat(stage: "distil", step: 1, phase: .training, memory: memory)
        let rows = [
            MetricRow(stage: "distil", step: 0, name: "memory.resident.1", value: 300),
            MetricRow(stage: "distil", step: 0, name: "memory.pool.1", value: 200),
        ]
        #expect(tell(.heartbeat(heartbeat: heartbeat), rank: 1).contains(.record(.metrics(rows: rows))))
        let status = coordinator.status(at: 2)
        #expect(status.ranks.map(\.memory) == [nil, memory])
        #expect(status.losses.isEmpty)
        // Before the first step there is no step to write it under.
        let starting = Heartbeat(stage: "distil", phase: .starting, memory: memory)
        #expect(tell(.heartbeat(heartbeat: starting), rank: 1) == [.reply(.heartbeatSeen(number: nil))])
    }

    @Test("A checkpoint is published once, whatever is repeated, and then answered")
    func checkpoint() {
        begin()
        let checkpoint = PreparedCheckpoint(stage: "distil", step: 1, content: "{}")
        _ = tell(.planRequest(stage: "distil", firstStep: 0))
        let prepared = WorkerMessage.checkpointPrepared(checkpoint: checkpoint)
        #expect(tell(prepared).contains(.publish(checkpoint, generation: 5)))
        #expect(tell(prepared) == [])
        let effects = coordinator.handle(
            .published(checkpoint, generation: 5, path: "p", manifestSHA256: "s"), at: 2)
        #expect(effects.contains(.tellRankZero(.checkpointCommitted(stage: "distil", step: 1))))
        #expect(
            effects.contains(
                .record(.checkpointCommitted(stage: "distil", step: 1, path: "p", manifestSHA256: "s"))))
        #expect(tell(prepared) == [.reply(.checkpointCommitted(stage: "distil", step: 1))])
        #expect(coordinator.status(at: 5).checkpoint?.step == 1)
        #expect(coordinator.status(at: 5).checkpoint?.ageSeconds == 3)
    }

    @Test("The checkpoint in the status is one that is there: not one that the next launch found damaged")
    func checkpointFoundDamaged() {
        begin()
        func publish(_ step: Int, at time: Double) {
            let checkpoint = PreparedCheckpoint(stage: "distil", step: step, content: "{}")
            _ = coordinator.handle(.published(checkpoint, generation: 5, path: "p", manifestSHA256: "s"), at: time)
        }
        publish(2, at: 2)
        publish(4, at: 3)
        // The message that the stage begins arrives again.
        begin()
        #expect(coordinator.status(at: 5).checkpoint == .init(stage: "distil", step: 4, ageSeconds: 2))
        begin(at: 2)
        #expect(coordinator.status(at: 5).checkpoint == .init(stage: "distil", step: 2, ageSeconds: 3))
        begin(at: 0)
        #expect(coordinator.status(at: 5).checkpoint == nil)
    }

    @Test("Older checkpoints are removed only after the journal knows of the new one")
    func retention() throws {
        begin()
        let checkpoint = PreparedCheckpoint(stage: "distil", step: 1, content: "{}")
        _ = tell(.checkpointPrepared(checkpoint: checkpoint))
        let effects = coordinator.handle(
            .published(checkpoint, generation: 5, path: "p", manifestSHA256: "s"), at: 2)
        let recorded = try #require(
            effects.firstIndex(
                of: .record(.checkpointCommitted(stage: "distil", step: 1, path: "p", manifestSHA256: "s"))))
        let removed = try #require(effects.firstIndex(of: .removeOutdated(checkpoint, generation: 5)))
        #expect(recorded < removed)
    }

    @Test("A save that is given up is journalled, announced and in the status, until one is published")
    func dropped() {
        begin()
        let effects = tell(.checkpointDropped(stage: "distil", step: 1, reason: "no room"))
        #expect(effects.first == .reply(.noted))
        #expect(
            effects.contains(
                .record(
                    .event(
                        generation: 5, kind: "checkpoint_failed",
                        detail: ["stage": "distil", "step": "1", "reason": "no room"]))))
        #expect(effects.contains(.announce("the checkpoint of distil after step 1 is given up: no room")))
        #expect(
            tell(.checkpointDropped(stage: "distil", step: 1, reason: "no room")) == [.reply(.noted)],
            "a message that arrives twice is told once")
        #expect(coordinator.status(at: 2).checkpointProblem == "distil step 1 was not saved: no room")
        let checkpoint = PreparedCheckpoint(stage: "distil", step: 2, content: "{}")
        _ = tell(.checkpointPrepared(checkpoint: checkpoint))
        _ = coordinator.handle(.published(checkpoint, generation: 5, path: "p", manifestSHA256: "s"), at: 3)
        #expect(coordinator.status(at: 4).checkpointProblem == nil)
    }

    @Test("A checkpoint that fails leaves the run going, and the same step may be tried again")
    func checkpointFails() {
        begin()
        let checkpoint = PreparedCheckpoint(stage: "distil", step: 0, content: "{}")
        _ = tell(.checkpointPrepared(checkpoint: checkpoint))
        let effects = coordinator.handle(.publishFailed(checkpoint, generation: 5, reason: "disk full"), at: 2)
        #expect(effects.contains(.tellRankZero(.checkpointFailed(stage: "distil", step: 0, reason: "disk full"))))
        #expect(tell(.checkpointPrepared(checkpoint: checkpoint)).contains(.publish(checkpoint, generation: 5)))
    }

    @Test("A ratio set by a person is journalled, answered with its step, and shown as pending")
    func ratio() {
        begin()
        _ = tell(.planRequest(stage: "distil", firstStep: 0))
        let effects = coordinator.handle(.control(.setRatio(ratio: 10)), at: 2)
        let segment = RatioSchedule.Segment(firstStep: 1, ratio: 10, anchorStep: 10)
        #expect(
            effects == [
                .record(.ratioChanged(stage: "distil", segment: segment)),
                .record(
                    .event(
                        generation: 5, kind: "ratio_set",
                        detail: ["stage": "distil", "ratio": "10", "step": "1", "steps": "40"])),
                .answer(.accepted(step: 1, message: "ratio 10 from step 1 on")),
            ])
        #expect(coordinator.status(at: 2).ratio == 5)
        #expect(coordinator.status(at: 2).pendingRatio?.ratio == 10)
        #expect(coordinator.status(at: 2).pendingRatio?.step == 1)
        guard case .answer(.refused)? = coordinator.handle(.control(.setRatio(ratio: 0)), at: 2).last else {
            Issue.record("ratio 0 was accepted")
            return
        }
    }

    /// The one line that answers a command.
    private func answer(_ request: ControlRequest) -> String? {
        switch coordinator.handle(.control(request), at: 2).last {
        case .answer(.accepted(_, let message)): message
        case .answer(.refused(let reason)): reason
        default: nil
        }
    }

    @Test("What cannot be done in a stage is refused with one cause and what to do")
    func refusals() {
        #expect(answer(.setRatio(ratio: 7)) == "no stage has begun yet: ask again once one has")
        for rank in 0..<2 { _ = tell(.hello(host: "a", pid: Int32(rank + 1), ranks: 2), rank: rank) }
        let teacher = StageDeclaration(
            name: "teacher", index: 0, count: 3, goal: .steps(count: 30), checkpointInterval: 10, windowSteps: 8)
        _ = tell(.beginStage(stage: teacher))
        #expect(
            answer(.setRatio(ratio: 7))
                == "stage 'teacher' trains no student: ask again once the distillation has begun")
        begin()
        #expect(answer(.setRatio(ratio: 7)) == "ratio 7 from step 0 on")
        _ = tell(.beginStage(stage: Self.evaluation))
        #expect(
            answer(.setRatio(ratio: 7))
                == "the distillation is over: its ratio can only be chosen in a new run, as distil.ratio")
        #expect(
            answer(.checkpointNow) == "stage 'evaluate' has no state to save: it is done again at the next start")
    }

    @Test("A save that is asked for is told with its step, beside the step that the stage is at")
    func checkpointNow() {
        begin()
        for step in [0, 1, 3] { _ = tell(.planRequest(stage: "distil", firstStep: step)) }
        _ = tell(.heartbeat(heartbeat: Heartbeat(stage: "distil", step: 2, phase: .training)))
        #expect(answer(.checkpointNow) == "'distil' will be saved at step 8; it is at step 2 now")
    }

    @Test("A stop lets the workers save one step later, and ends the run with 0")
    func stop() {
        begin()
        _ = tell(.planRequest(stage: "distil", firstStep: 0))
        _ = coordinator.handle(.control(.stop), at: 2)
        #expect(coordinator.status(at: 2).state == .draining)
        let window = replies(tell(.planRequest(stage: "distil", firstStep: 1)))
        guard case .plan(let last)? = window.first else {
            Issue.record("\(window)")
            return
        }
        #expect(last.stopsAtEnd)
        #expect(last.checkpointAfter == [2])
        let effects = coordinator.handle(.launchEnded(generation: 5, .exited(code: 0), detail: ""), at: 3)
        #expect(effects.contains(.supervise(.end(.done, message: "stopped, state is saved"))))
    }

    @Test("A stop waits for the save of a stage that measures on the way; an evaluation has nothing to save")
    func stopWhileMeasuring() {
        func effects(of goal: StageDeclaration.Goal) -> [Coordinator.Effect] {
            var coordinator = coordinator
            func say(_ message: WorkerMessage, rank: Int = 0) -> [Coordinator.Effect] {
                coordinator.handle(.worker(.init(generation: 5, rank: rank, message: message)), at: 1)
            }
            for rank in 0..<2 { _ = say(.hello(host: "a", pid: Int32(rank + 1), ranks: 2), rank: rank) }
            let stage = StageDeclaration(
                name: "x", index: 0, count: 1, goal: goal, startStep: 0, checkpointInterval: 10, windowSteps: 8)
            _ = say(.beginStage(stage: stage))
            _ = coordinator.handle(.control(.stop), at: 1)
            return say(.heartbeat(heartbeat: Heartbeat(stage: "x", step: 0, phase: .evaluating, progressCounter: 1)))
        }
        let end = Coordinator.Effect.supervise(.terminate(generation: 5))
        #expect(!effects(of: .studentUpdates(count: 4, ratio: 5)).contains(end))
        #expect(effects(of: .tasks(count: 4)).contains(end))
    }

    @Test("A coordinator that goes on with a launch does not take the ranks' second hello for a fast launch")
    func arrivalOfAnother() {
        var launch = LiveLaunch(generation: 5, placement: LaunchPlacement(ranksHere: 1))
        launch.isComplete = true
        var coordinator = Coordinator(
            runName: "digits", pid: 7, hosts: HostPool(ranksHere: 1), restartBudget: 3,
            history: .init(lastGeneration: 5), resuming: launch, at: 0)
        let hello = WorkerMessage.hello(host: "a", pid: 1, ranks: 1)
        _ = coordinator.handle(.worker(.init(generation: 5, rank: 0, message: hello)), at: 1)
        _ = coordinator.handle(.launchEnded(generation: 5, .exited(code: 137), detail: ""), at: 2)
        #expect(coordinator.generation == 6)
        let givenUp = (3...200).first { !coordinator.handle(.tick, at: Double($0)).isEmpty }
        // Two minutes, as for any launch of which nothing is known.
        #expect(givenUp == 123)
    }

    @Test("A launch that is impossible for a while is in the journal with its cause, and is followed by another")
    func impossible() {
        begin()
        _ = coordinator.handle(.launchEnded(generation: 5, .exited(code: 137), detail: ""), at: 3)
        let effects = coordinator.handle(.launchImpossible(.runFolderUnusable, reason: "disk full"), at: 3)
        let told = effects.contains {
            if case .record(.generationEnded(6, "disk full", _, _)) = $0 { true } else { false }
        }
        #expect(told && coordinator.generation == 6)
        #expect(coordinator.handle(.tick, at: 8).contains(.supervise(.launch(generation: 7))))
    }

    @Test("A save asked for is in the plan of the next generation if a rank died on the way to it")
    func saveIsCarriedOver() {
        begin()
        _ = tell(.planRequest(stage: "distil", firstStep: 0))
        _ = coordinator.handle(.control(.checkpointNow), at: 2)
        let save = PlanWindow(
            stage: "distil", firstStep: 1, kinds: [.criticOnly, .criticOnly], checkpointAfter: [2])
        #expect(replies(tell(.planRequest(stage: "distil", firstStep: 1))) == [.plan(window: save)])
        _ = coordinator.handle(.launchEnded(generation: 5, .exited(code: 137), detail: ""), at: 3)
        begin(generation: 6)
        _ = tell(.planRequest(stage: "distil", firstStep: 0), generation: 6)
        #expect(replies(tell(.planRequest(stage: "distil", firstStep: 1), generation: 6)) == [.plan(window: save)])
    }

    @Test("A silent rank is reported, ended and replaced")
    func silentRank() {
        begin()
        let effects = coordinator.handle(.tick, at: 20)
        #expect(effects.contains(.supervise(.terminate(generation: 5))))
        let next = coordinator.handle(.launchEnded(generation: 5, .exited(code: 1), detail: ""), at: 21)
        #expect(next.contains(.supervise(.launch(generation: 6))))
        #expect(coordinator.status(at: 21).restarts.lastCause?.contains("silent") == true)
        #expect(coordinator.status(at: 21).ranks.isEmpty)
    }

    @Test("A standstill that ended is told and written down, and changes nothing else")
    func standstills() {
        begin()
        for (event, kind, process) in [
            (Coordinator.Event.woken("mpirun", stoppedSeconds: 3), "process_woken", "mpirun"),
            (.stoodStill(seconds: 3), "stood_still", "the coordinator"),
        ] {
            let effects = coordinator.handle(event, at: 2)
            let detail = ["process": process, "seconds": "3.0"]
            #expect(effects.first == .record(.event(generation: 5, kind: kind, detail: detail)))
            #expect(effects.contains { if case .announce(let line) = $0 { line.hasPrefix(process) } else { false } })
            #expect(!effects.contains { if case .supervise = $0 { true } else { false } })
        }
        #expect(coordinator.status(at: 2).state == .running)
    }

    @Test("Metrics are acknowledged once they are written down; those of an overtaken heartbeat are not")
    func acknowledgement() {
        begin()
        func heartbeat(progress: Int, number: Int) -> WorkerMessage {
            .heartbeat(
                heartbeat: Heartbeat(
                    stage: "distil", step: 1, phase: .training, progressCounter: progress,
                    metrics: [MetricRow(stage: "distil", step: 0, name: "loss", value: Double(number))],
                    number: number))
        }
        let taken = tell(heartbeat(progress: 5, number: 2))
        #expect(taken.contains { if case .record(.metrics) = $0 { true } else { false } })
        #expect(taken.last == .reply(.heartbeatSeen(number: 2)))
        #expect(tell(heartbeat(progress: 4, number: 1)) == [.reply(.heartbeatSeen(number: nil))])
    }

    /// A heartbeat of rank 0 with the rows of student updates at these steps.
    private func measured(_ steps: Range<Int>, contrast: Double = 0.7, lag: Double = 0) -> WorkerMessage {
        .heartbeat(
            heartbeat: Heartbeat(
                stage: "distil", step: steps.upperBound, phase: .training,
                metrics: steps.flatMap { studentRows(step: $0, lag: lag, contrast: contrast) }))
    }

    private func beginAtRatioOne(control: RatioControl? = nil) {
        for rank in 0..<2 { _ = tell(.hello(host: "a", pid: Int32(rank + 1), ranks: 2), rank: rank) }
        let stage = StageDeclaration(
            name: "distil", index: 0, count: 1, goal: .studentUpdates(count: 400, ratio: 1, control: control),
            checkpointInterval: 10, windowSteps: 32)
        _ = tell(.beginStage(stage: stage))
    }

    @Test("A collapse ends the run with its own status, and the checkpoints since the last sound update are set aside")
    func collapse() {
        beginAtRatioOne()
        _ = tell(measured(0..<10))
        #expect(coordinator.status(at: 1).health?.grade == .healthy)
        let unhealthy = tell(measured(10..<11, contrast: 0))
        #expect(unhealthy.contains { if case .record(.event(_, "health", _)) = $0 { true } else { false } })
        let prepared = PreparedCheckpoint(stage: "distil", step: 11, content: "{}")
        let answer = tell(.checkpointPrepared(checkpoint: prepared))
        guard case .giveUp(prepared, generation: 5, let reason)? = answer.last else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.hasPrefix("the student is unhealthy: the images are constant"))
        #expect(tell(.checkpointPrepared(checkpoint: prepared)) == [], "it is being removed")
        let removed = coordinator.handle(.publishFailed(prepared, generation: 5, reason: reason), at: 1)
        #expect(removed.contains(.tellRankZero(.checkpointFailed(stage: "distil", step: 11, reason: reason))))
        #expect(coordinator.status(at: 1).checkpoint == nil)

        let effects = tell(measured(11..<18, contrast: 0))
        #expect(effects.contains(.withdraw(stage: "distil", after: 9)))
        #expect(effects.contains(.supervise(.terminate(generation: 5))))
        #expect(tell(measured(18..<19, contrast: 0)).contains(.withdraw(stage: "distil", after: 9)) == false)
        let end = coordinator.handle(.launchEnded(generation: 5, .exited(code: 143), detail: ""), at: 3)
        guard case .supervise(.end(.collapsed, let message))? = end.last else {
            Issue.record("\(end)")
            return
        }
        #expect(message.hasPrefix("distil collapsed at step 17 (student update 18): the images are constant"))
    }

    @Test("A checkpoint that was on its way when the collapse was noticed is set aside too")
    func lateCheckpoint() {
        beginAtRatioOne()
        _ = tell(measured(0..<10))
        let prepared = PreparedCheckpoint(stage: "distil", step: 10, content: "{}")
        #expect(tell(.checkpointPrepared(checkpoint: prepared)).contains(.publish(prepared, generation: 5)))
        _ = tell(measured(10..<18, contrast: 0))
        let effects = coordinator.handle(
            .published(prepared, generation: 5, path: "p", manifestSHA256: "s"), at: 2)
        #expect(effects.last == .withdraw(stage: "distil", after: 9))
    }

    @Test("A loss that is not a number is a collapse at once, in any stage", arguments: ["loss", "gradient_norm.a"])
    func notANumber(name: String) {
        let stage = StageDeclaration(
            name: "teacher", index: 0, count: 1, goal: .steps(count: 100), checkpointInterval: 10, windowSteps: 8)
        for rank in 0..<2 { _ = tell(.hello(host: "a", pid: Int32(rank + 1), ranks: 2), rank: rank) }
        _ = tell(.beginStage(stage: stage))
        let rows = [MetricRow(stage: "teacher", step: 7, name: name, value: .nan)]
        let effects = tell(.heartbeat(heartbeat: Heartbeat(stage: "teacher", step: 8, phase: .training, metrics: rows)))
        #expect(effects.contains(.withdraw(stage: "teacher", after: 6)))
    }

    @Test("A window whose ratio waits for metrics is granted when they arrive, without being asked for again")
    func waitingWindow() {
        beginAtRatioOne(control: RatioControl(batch: 64))
        var step = 0
        while case .plan(let window)? = replies(tell(.planRequest(stage: "distil", firstStep: step))).first {
            step = window.endStep
        }
        #expect(step == 48)
        #expect(tell(.planRequest(stage: "distil", firstStep: 48)) == [])
        #expect(!tell(measured(0..<20, lag: 0.2)).contains { if case .tellRankZero = $0 { true } else { false } })
        let effects = tell(measured(20..<32, lag: 0.2))
        let segment = RatioSchedule.Segment(firstStep: 48, ratio: 2, anchorStep: 49)
        #expect(effects.contains(.record(.ratioChanged(stage: "distil", segment: segment))))
        #expect(
            effects.contains {
                if case .tellRankZero(.plan(let window)) = $0 { window.firstStep == 48 } else { false }
            })
        guard case .answer(.refused)? = coordinator.handle(.control(.setRatio(ratio: 4)), at: 2).last else {
            Issue.record("a person may set a ratio that the run sets")
            return
        }
    }
}
