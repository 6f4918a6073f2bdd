/// All of the coordinator's decisions: `handle(event, at:)` takes in what happened and says what to do. It has no
/// clock, socket, file or process of its own, so a test can run years of it in a second.
package struct Coordinator: Sendable {
    /// What happened.
    package enum Event: Sendable {
        /// The program is ready to launch.
        case started
        /// The program is ready to go on with a launch that runs.
        case resumed
        /// A worker sent a message.
        case worker(WorkerEnvelope)
        /// A command sent a request.
        case control(ControlRequest)
        /// A launch could not be made at all.
        case launchImpossible(ExitStatus, reason: String)
        /// A launch has ended and nothing of it is left.
        case launchEnded(
            generation: Int, Supervisor.ProcessEnd, detail: String, culprit: Supervisor.Culprit = Supervisor.Culprit())
        /// The hosts were looked up again.
        case hostsFound([HostSlots])
        /// A checkpoint was published.
        case published(PreparedCheckpoint, generation: Int, path: String, manifestSHA256: String)
        /// A checkpoint could not be published.
        case publishFailed(PreparedCheckpoint, generation: Int, reason: String)
        /// A process without which a launch cannot end was found stopped by a signal, for so long, and was woken.
        case woken(_ process: String, stoppedSeconds: Double)
        /// The coordinator's own process stood still for so long, or its machine did.
        case stoodStill(seconds: Double)
        /// SIGTERM or SIGINT arrived.
        case stopSignal
        /// Time has passed.
        case tick
    }

    /// What to do.
    package enum Effect: Equatable, Sendable {
        /// Answer the worker whose message is being handled.
        case reply(CoordinatorMessage)
        /// Answer the command whose request is being handled.
        case answer(ControlReply)
        /// Tell rank 0 of the current generation.
        case tellRankZero(CoordinatorMessage)
        /// Verify and publish a checkpoint, then report with `published` or `publishFailed`.
        case publish(PreparedCheckpoint, generation: Int)
        /// Remove what was written for a checkpoint that must not be published, then report with `publishFailed`.
        case giveUp(PreparedCheckpoint, generation: Int, reason: String)
        /// Remove what this published checkpoint makes superfluous.
        case removeOutdated(PreparedCheckpoint, generation: Int)
        /// Set the checkpoints of a stage aside that have more steps than these, and tell the person of each.
        case withdraw(stage: String, after: Int)
        /// Write to the journal, before any effect that follows.
        case record(JournalEntry)
        /// Write a line to the log.
        case log(String)
        /// Show a line to whoever started the run.
        case announce(String)
        /// Start, signal or end processes.
        case supervise(Supervisor.Effect)
    }

    private let runName: String
    private let pid: Int32
    private let limits: Membership.Limits
    private var supervisor: Supervisor
    private var stages: StageTracker
    private var membership: Membership
    private var hosts: HostPool
    private var time: TimeLedger
    private var isRedoing = false
    private var hasWorked = false
    /// Hosts from which ranks have been heard, and that have not been lost since.
    private var provenHosts: Set<String> = []
    /// Where the ranks of the current launch run.
    package private(set) var placement: LaunchPlacement
    private var publishing: PreparedCheckpoint?
    private var published: PreparedCheckpoint?
    private var checkpoints: PublishedCheckpoints
    private var checkpointProblem: String?
    private var lastSeen = Heartbeat()
    /// What rank 0 last said, if that was in the current stage: the speed of another says nothing of this one's.
    private var lastSeenInStage: Heartbeat? {
        lastSeen.stage == stages.scheduler?.declaration.name ? lastSeen : nil
    }
    /// A request for a window that waits for a decision about the ratio.
    private var waitingRequest: (stage: String, firstStep: Int)?

    /// What the journal knows of the run's earlier launches.
    package struct History: Sendable {
        /// Number of the last launch; 0 if there was none.
        package var lastGeneration: Int
        /// The ratio's segments of each stage.
        package var ratios: [String: RatioSchedule]
        /// The completed steps of each stage.
        package var reached: [String: Int]
        /// What the student updates of each stage measured.
        package var updates: [String: StudentHistory]
        /// Where the time went, on the clock of the events that follow.
        package var time: TimeLedger
        /// What was published, on the same clock.
        package var checkpoints: PublishedCheckpoints

        /// Creates a history; see the properties for the meaning of each argument.
        package init(
            lastGeneration: Int = 0, ratios: [String: RatioSchedule] = [:], reached: [String: Int] = [:],
            updates: [String: StudentHistory] = [:], time: TimeLedger = TimeLedger(),
            checkpoints: PublishedCheckpoints = PublishedCheckpoints()
        ) {
            self.lastGeneration = lastGeneration
            self.ratios = ratios
            self.reached = reached
            self.updates = updates
            self.time = time
            self.checkpoints = checkpoints
        }
    }

    /// A coordinator of a run on the hosts of a pool.
    package init(
        runName: String, pid: Int32, hosts: HostPool, restartBudget: Int, history: History = History(),
        limits: Membership.Limits = Membership.Limits()
    ) {
        self.runName = runName
        self.pid = pid
        self.hosts = hosts
        self.limits = limits
        time = history.time
        checkpoints = history.checkpoints
        supervisor = Supervisor(lastGeneration: history.lastGeneration, restartBudget: restartBudget)
        stages = StageTracker(ratios: history.ratios, reached: history.reached, histories: history.updates)
        placement = LaunchPlacement(ranksHere: 0)
        membership = Membership(size: 0, launchedAt: 0, limits: limits)
    }

    /// A coordinator that goes on with a launch whose coordinator died.
    package init(
        runName: String, pid: Int32, hosts: HostPool, restartBudget: Int, history: History, resuming launch: LiveLaunch,
        limits: Membership.Limits = Membership.Limits(), at now: Double
    ) {
        self.init(
            runName: runName, pid: pid, hosts: hosts, restartBudget: restartBudget, history: history, limits: limits)
        supervisor = Supervisor(resuming: launch, restartBudget: restartBudget, at: now)
        stages.resume(launch)
        placement = launch.placement
        (hasWorked, isRedoing) = (launch.hasWorked, launch.isRedoing)
        if launch.isComplete { provenHosts = Set(placement.hosts.map(\.name)) }
        var limits = limits
        // The ranks have only to be heard again.
        if launch.isComplete { limits.arrival = limits.death + limits.suspicion }
        membership = Membership(size: placement.rankCount, launchedAt: now, limits: limits)
    }

    /// A coordinator of a run of `rankCount` ranks on this machine.
    package init(
        runName: String, pid: Int32, rankCount: Int, restartBudget: Int, lastGeneration: Int = 0,
        ratios: [String: RatioSchedule] = [:], limits: Membership.Limits = Membership.Limits()
    ) {
        self.init(
            runName: runName, pid: pid, hosts: HostPool(ranksHere: rankCount), restartBudget: restartBudget,
            history: History(lastGeneration: lastGeneration, ratios: ratios), limits: limits)
    }

    /// Number of the current launch.
    package var generation: Int { supervisor.generation }

    /// Takes in one event at a time in seconds on a monotonic clock, and says what to do, in order.
    package mutating func handle(_ event: Event, at now: Double) -> [Effect] {
        switch event {
        case .started:
            return supervise(.started, at: now)
        case .resumed:
            return [note("coordinator_resumed", [:]), .log("generation \(generation): going on with it")]
        case .worker(let envelope):
            return worker(envelope, at: now)
        case .control(let request):
            return control(request, at: now)
        case .launchImpossible(let status, let reason):
            return supervise(.launchImpossible(status, reason: reason), at: now)
        case .launchEnded(let generation, let end, let detail, let culprit):
            return launchEnded(generation, end, detail: detail, culprit: culprit, at: now)
        case .hostsFound(let found):
            hosts.found(found)
            return []
        case .published(let checkpoint, let generation, let path, let sha256):
            return published(checkpoint, in: generation, path: path, sha256: sha256, at: now)
        case .publishFailed(let checkpoint, let generation, let reason):
            return publishFailed(checkpoint, generation, reason: reason)
        case .woken(let process, let seconds):
            return survived("process_woken", process, seconds, "had been stopped by a signal, and was woken")
        case .stoodStill(let seconds):
            return survived("stood_still", "the coordinator", seconds, "had stood still, and goes on")
        case .stopSignal:
            return stop(.signal, at: now).effects
        case .tick:
            return tick(at: now)
        }
    }
}

// MARK: - Workers

extension Coordinator {
    private mutating func worker(_ envelope: WorkerEnvelope, at now: Double) -> [Effect] {
        guard envelope.generation == generation else {
            let reason = "generation \(envelope.generation) is over, this is \(generation)"
            return [.reply(.superseded(reason: reason))]
        }
        guard (0..<placement.rankCount).contains(envelope.rank) else {
            return [.reply(.refused(reason: "rank \(envelope.rank) of a run with \(placement.rankCount) ranks"))]
        }
        if let problem = envelope.message.problem { return [.reply(.refused(reason: "out of bounds: \(problem)"))] }
        switch envelope.message {
        case .hello(let host, let pid, let ranks):
            return hello(rank: envelope.rank, host: host, pid: pid, ranks: ranks, at: now)
        case .heartbeat(let heartbeat):
            return self.heartbeat(rank: envelope.rank, heartbeat, at: now)
        case .failed(let exitCode, let reason):
            let detail = ["rank": "\(envelope.rank)", "reason": reason, "exit_code": "\(exitCode)"]
            return [.reply(.noted), note("worker_failed", detail)]
                + supervise(.workerFailed(rank: envelope.rank, exitCode: exitCode, reason: reason), at: now)
        case .beginStage, .planRequest, .checkpointPrepared, .checkpointDropped, .notice, .stageFinished, .finished:
            guard envelope.rank == 0 else { return [.reply(.refused(reason: "only rank 0 may ask this"))] }
            return rankZero(envelope.message, at: now)
        }
    }

    private mutating func hello(rank: Int, host: String, pid: Int32, ranks: Int, at now: Double) -> [Effect] {
        guard ranks == placement.rankCount else {
            return [.reply(.refused(reason: "a world of \(ranks) ranks where \(placement.rankCount) were launched"))]
        }
        let wasComplete = membership.isComplete
        membership.hello(rank: rank, host: placement.host(ofRank: rank) ?? host, pid: pid, at: now)
        guard membership.isComplete, !wasComplete else { return [.reply(.welcome)] }
        time.note(.ranksComplete, at: now)
        provenHosts.formUnion(placement.hosts.map(\.name))
        return [.reply(.welcome), note("ranks_complete", [:])] + supervise(.ranksComplete, at: now)
    }

    private mutating func heartbeat(rank: Int, _ heartbeat: Heartbeat, at now: Double) -> [Effect] {
        guard membership.heartbeat(rank: rank, heartbeat, at: now) else { return [.reply(.helloWanted)] }
        var effects: [Effect] = []
        var number: Int?
        let memory = heartbeat.memoryRows(rank: rank)
        if !memory.isEmpty { effects.append(.record(.metrics(rows: memory))) }
        // One that comes later than its successor changes nothing; its metrics, not named in an answer, come again.
        if rank == 0, heartbeat.progressCounter >= lastSeen.progressCounter {
            number = heartbeat.number
            lastSeen = heartbeat
            let hadCollapsed = stages.collapse != nil
            effects += records(stages.note(heartbeat.metrics, generation: generation))
            effects += records(stages.advance(stage: heartbeat.stage, to: heartbeat.step, generation: generation))
            effects += noteWork(at: now)
            if !hadCollapsed, let collapse = stages.collapse { effects += rollBack(collapse, at: now) }
            if let waitingRequest {
                effects += window(waitingRequest.stage, from: waitingRequest.firstStep) { .tellRankZero($0) }
            }
            if heartbeat.phase == .evaluating { effects += supervise(.nothingToDrain, at: now) }
        }
        // Last: what it acknowledges is in the journal by then.
        return effects + [.reply(.heartbeatSeen(number: number))]
    }

    /// Notes the launch's first work, and when it has caught up with the one before it.
    private mutating func noteWork(at now: Double) -> [Effect] {
        let isWorking = stages.hasStepped(in: generation) || lastSeen.phase == .evaluating
        let place = ["stage": stages.scheduler?.declaration.name ?? "", "step": "\(stages.step)"]
        if isWorking, !hasWorked {
            hasWorked = true
            isRedoing = stages.isBehind
            time.note(.worked(isRedone: isRedoing), at: now)
            return [note("first_step", place.merging(["redone": "\(isRedoing)"]) { $1 })]
        }
        guard isRedoing, !stages.isBehind else { return [] }
        isRedoing = false
        time.note(.caughtUp, at: now)
        return [note("caught_up", place)]
    }

    private mutating func rankZero(_ message: WorkerMessage, at now: Double) -> [Effect] {
        switch message {
        case .beginStage(let declaration):
            let entries = stages.begin(declaration, generation: generation)
            // A repeated message begins nothing.
            if !entries.isEmpty { checkpoints.discard(stage: declaration.name, after: declaration.startStep) }
            return [.reply(.stageBegun(stage: declaration.name))] + records(entries)
        case .planRequest(let stage, let firstStep):
            return window(stage, from: firstStep) { .reply($0) }
        case .checkpointPrepared(let checkpoint):
            // The answer comes once the checkpoint is published; a doubled message must not publish it twice.
            guard publishing != checkpoint else { return [] }
            guard published != checkpoint else {
                return [.reply(.checkpointCommitted(stage: checkpoint.stage, step: checkpoint.step))]
            }
            publishing = checkpoint
            if let reason = stages.reasonNotToPublish(stage: checkpoint.stage, step: checkpoint.step) {
                return [.giveUp(checkpoint, generation: generation, reason: reason)]
            }
            return noteWork(at: now)
                + records(stages.advance(stage: checkpoint.stage, to: checkpoint.step, generation: generation))
                + [.publish(checkpoint, generation: generation)]
        case .checkpointDropped(let stage, let step, let reason):
            let effects = checkpointFailed(stage: stage, step: step, reason: reason)
            guard !effects.isEmpty else { return [.reply(.noted)] }
            return [.reply(.noted)] + effects
                + [.announce("the checkpoint of \(stage) after step \(step) is given up: \(reason)")]
        case .stageFinished(let stage, let step):
            return [.reply(.noted)]
                + records(stages.advance(stage: stage, to: step, generation: generation))
                + [note("stage_finished", ["stage": stage, "step": "\(step)"])]
                + supervise(.progressed, at: now)
        case .notice(let text):
            return [.reply(.noted), note("notice", ["text": text]), .announce(text)]
        case .finished:
            return [.reply(.noted), note("finished", [:])] + supervise(.finished, at: now)
        case .hello, .heartbeat, .failed:
            return []
        }
    }
}

extension Coordinator {
    /// Answers a request for a window, at once or, where the ratio is not decided, when the metrics are here.
    private mutating func window(
        _ stage: String, from firstStep: Int, answer: (CoordinatorMessage) -> Effect
    ) -> [Effect] {
        waitingRequest = nil
        let outcome = stages.window(
            stage: stage, from: firstStep, stepsPerSecond: lastSeenInStage?.stepsPerSecond ?? 0,
            generation: generation)
        switch outcome {
        case .granted(let window, let entries):
            return records(entries) + [answer(.plan(window: window))]
        case .undecided:
            waitingRequest = (stage, firstStep)
            return []
        case .refused:
            return [answer(.refused(reason: "no window of '\(stage)' begins at step \(firstStep)"))]
        }
    }

    /// Ends the run and goes back to the newest checkpoint that was made before things went wrong.
    private mutating func rollBack(_ collapse: Collapse, at now: Double) -> [Effect] {
        checkpoints.discard(stage: collapse.stage, after: collapse.lastSoundStep)
        return [.withdraw(stage: collapse.stage, after: collapse.lastSoundStep), .log(collapse.description)]
            + supervise(.collapsed(reason: collapse.description), at: now)
    }
}

// MARK: - Checkpoints

extension Coordinator {
    private mutating func published(
        _ checkpoint: PreparedCheckpoint, in publishedIn: Int, path: String, sha256: String, at now: Double
    ) -> [Effect] {
        checkpoints.published(stage: checkpoint.stage, step: checkpoint.step, at: now)
        checkpointProblem = nil
        var effects: [Effect] = [
            .record(
                .checkpointCommitted(
                    stage: checkpoint.stage, step: checkpoint.step, path: path, manifestSHA256: sha256)),
            note(
                "checkpoint_committed",
                [
                    "stage": checkpoint.stage, "step": "\(checkpoint.step)",
                    "place": checkpoint.isOnNodes ? "nodes" : "run folder",
                ]),
            .log("checkpoint \(checkpoint.stage) step \(checkpoint.step) published"),
            .removeOutdated(checkpoint, generation: publishedIn),
        ]
        if publishedIn == generation {
            publishing = nil
            published = checkpoint
            effects.append(.tellRankZero(.checkpointCommitted(stage: checkpoint.stage, step: checkpoint.step)))
        }
        hosts.succeeded(placement)
        // It was on its way to the disk when the collapse was noticed.
        if let collapse = stages.collapse, collapse.stage == checkpoint.stage,
            checkpoint.step > collapse.lastSoundStep
        {
            checkpoints.discard(stage: collapse.stage, after: collapse.lastSoundStep)
            return effects + [.withdraw(stage: collapse.stage, after: collapse.lastSoundStep)]
        }
        return effects + supervise(.progressed, at: now)
    }

    private mutating func publishFailed(
        _ checkpoint: PreparedCheckpoint, _ failed: Int, reason: String
    ) -> [Effect] {
        let effects = checkpointFailed(stage: checkpoint.stage, step: checkpoint.step, reason: reason)
        guard failed == generation else { return effects }
        publishing = nil
        let answer = CoordinatorMessage.checkpointFailed(
            stage: checkpoint.stage, step: checkpoint.step, reason: reason)
        return effects + [.tellRankZero(answer)]
    }
}

extension Coordinator {
    /// Status tells it until one is published again. Nothing follows from hearing the same twice.
    private mutating func checkpointFailed(stage: String, step: Int, reason: String) -> [Effect] {
        let problem = "\(stage) step \(step) was not saved: \(reason)"
        guard checkpointProblem != problem else { return [] }
        checkpointProblem = problem
        return [
            note("checkpoint_failed", ["stage": stage, "step": "\(step)", "reason": reason]),
            .log("checkpoint \(stage) step \(step) failed: \(reason)"),
        ]
    }
}

// MARK: - Commands and status

extension Coordinator {
    private mutating func control(_ request: ControlRequest, at now: Double) -> [Effect] {
        switch request {
        case .status:
            return [.answer(.status(run: status(at: now)))]
        case .stop:
            let (reply, effects) = stop(.command, at: now)
            return [.answer(reply)] + effects
        case .setRatio, .checkpointNow:
            let (reply, entries) = stages.request(request)
            return records(entries) + [.answer(reply)]
        }
    }

    private mutating func stop(
        _ cause: Supervisor.StopCause, at now: Double
    ) -> (reply: ControlReply, effects: [Effect]) {
        let (reply, entries) = stages.request(.stop)
        let effects = records(entries) + [note("stop_asked", ["by": cause.rawValue])]
        return (reply, effects + supervise(.stopAsked(cause), at: now))
    }

    /// The run as a person wants to see it.
    package func status(at now: Double) -> RunStatus {
        var status = RunStatus(
            run: runName, state: shownState, generation: generation, pid: pid,
            restarts: .init(
                used: supervisor.restartsUsed, budget: supervisor.restartBudget, lastCause: supervisor.lastCause),
            ranks: ranks(at: now), imagesPerSecond: lastSeenInStage?.imagesPerSecond ?? 0, message: message)
        status.goodput = Goodput(time, at: now)
        stages.describe(in: &status)
        if let speed = lastSeenInStage?.stepsPerSecond, speed > 0 {
            status.etaSeconds = Double(max(0, status.totalSteps - status.step)) / speed
        }
        status.checkpoint = checkpoints.newest.map {
            .init(stage: $0.stage, step: $0.step, ageSeconds: now - $0.time)
        }
        status.checkpointProblem = checkpointProblem
        return status
    }

    private func ranks(at now: Double) -> [RunStatus.Rank] {
        membership.members.sorted { $0.key < $1.key }.map { rank, member in
            let age = now - member.heardAt
            return RunStatus.Rank(
                rank: rank, host: member.host, pid: member.pid,
                step: member.heartbeat.stage == stages.scheduler?.declaration.name ? member.heartbeat.step : 0,
                phase: member.heartbeat.phase, heartbeatAgeSeconds: age, suspected: age > limits.suspicion,
                memory: member.heartbeat.memory)
        }
    }

    private var shownState: RunStatus.State {
        switch supervisor.state {
        case .idle, .launching: .launching
        case .running: .running
        case .waitingForHosts: .waitingForHosts
        case .draining: .draining
        case .resizing: .resizing
        case .reaping: .reaping
        case .backingOff: .backingOff
        case .ended(.done, _): .done
        case .ended: .failed
        }
    }

    private var message: String {
        switch supervisor.state {
        case .idle: "starting"
        case .launching:
            "waiting for \(placement.rankCount - membership.members.count) of \(placement.rankCount) ranks"
        case .waitingForHosts: "waiting for hosts with at least \(hosts.minRanks) slots"
        case .resizing(let reason, _): "completing and saving the granted steps: \(reason)"
        case .running: supervisor.lastCause.map { "running again after: \($0)" } ?? "running"
        case .draining: "completing and saving the granted steps, then stopping"
        case .reaping(let reason, _, _): "ending generation \(generation): \(reason)"
        case .backingOff: "restarting after: \(supervisor.lastCause ?? "a failure")"
        case .ended(_, let message): message
        }
    }
}

// MARK: - Processes

extension Coordinator {
    private mutating func launchEnded(
        _ ended: Int, _ end: Supervisor.ProcessEnd, detail: String, culprit: Supervisor.Culprit, at now: Double
    ) -> [Effect] {
        guard ended == generation else { return [] }
        var culprit = culprit
        let unproven = unprovenHosts
        if culprit.host == nil, supervisor.state == .launching, !membership.isComplete, !unproven.isEmpty {
            // mpirun does not say which host it could not reach; those that worked before are not to blame.
            culprit.host = unproven.joined(separator: ", ")
            for host in unproven { lose(host, at: now) }
        } else if let host = culprit.host {
            lose(host, at: now)
        } else if let host = culprit.rank.flatMap(placement.host(ofRank:)), supervisor.isRunningOrLaunching {
            hosts.blame(host, isLost: false, at: now)
        }
        let silentSeconds = membership.secondsSinceProgress(at: now)
        time.note(.launchEnded(silentSeconds: silentSeconds), at: now)
        stages.launchEnded()
        let next = supervise(
            .launchEnded(generation: ended, end, detail: detail, culprit: culprit), at: now)
        let cause =
            switch supervisor.state {
            case .ended(_, let message): message
            default: supervisor.lastCause ?? "ended"
            }
        return [
            .record(
                .generationEnded(generation: ended, cause: cause, silentSeconds: silentSeconds, step: stages.step)),
            .log("generation \(ended): \(cause)"),
        ] + next
    }

    private mutating func tick(at now: Double) -> [Effect] {
        guard supervisor.isRunningOrLaunching, let loss = membership.loss(at: now) else {
            return resize(at: now) + supervise(.tick, at: now)
        }
        let host = loss.host ?? placement.host(ofRank: loss.rank)
        let isHost = loss.host != nil || host.map(unprovenHosts.contains) ?? false
        if let host { isHost ? lose(host, at: now) : hosts.blame(host, isLost: false, at: now) }
        time.note(.troubleKnown(silentSeconds: loss.silentSeconds), at: now)
        let detail = ["rank": "\(loss.rank)", "reason": loss.reason, "silent_seconds": "\(loss.silentSeconds)"]
        return [note("rank_lost", detail), .log(loss.reason)]
            + supervise(.rankLost(reason: loss.reason, isHost: isHost), at: now)
    }

    /// The hosts of this launch that never worked, if there are others that did.
    private var unprovenHosts: [String] {
        let unproven = placement.hosts.map(\.name).filter { !provenHosts.contains($0) }
        return unproven.count < placement.hosts.count ? unproven : []
    }

    private mutating func lose(_ host: String, at now: Double) {
        provenHosts.remove(host)
        hosts.blame(host, isLost: true, at: now)
    }

    /// Gives hosts back at once, and takes more once they have been there for long enough.
    private mutating func resize(at now: Double) -> [Effect] {
        guard supervisor.state == .running, lastSeen.phase != .evaluating, stages.scheduler != nil,
            let change = hosts.change(from: placement, at: now)
        else { return [] }
        let reason =
            switch change {
            case .shrink(let ranks): "fewer hosts: \(placement.rankCount) ranks become \(ranks)"
            case .grow(let ranks): "more hosts: \(placement.rankCount) ranks become \(ranks)"
            }
        stages.drain(generation: generation)
        return [note("resize", ["reason": reason]), .log(reason)] + supervise(.resizeWanted(reason: reason), at: now)
    }

    private mutating func supervise(_ event: Supervisor.Event, at now: Double) -> [Effect] {
        let next = hosts.placement(at: now)
        supervisor.hostsSuffice = next != nil
        return supervisor.handle(event, at: now).flatMap { effect -> [Effect] in
            switch effect {
            case .launch(let generation):
                return launch(generation, on: next ?? placement, at: now) + [.supervise(effect)]
            case .end(let status, let message):
                time.note(.runEnded, at: now)
                return [
                    note("run_ended", ["status": "\(status.rawValue)", "message": message]), .supervise(effect),
                ]
            case .terminate, .kill:
                return [.supervise(effect)]
            }
        }
    }

    private mutating func launch(_ generation: Int, on placement: LaunchPlacement, at now: Double) -> [Effect] {
        self.placement = placement
        hosts.launched()
        membership = Membership(size: placement.rankCount, launchedAt: now, limits: limits)
        publishing = nil
        published = nil
        waitingRequest = nil
        lastSeen = Heartbeat()
        (hasWorked, isRedoing) = (false, false)
        time.note(.launched, at: now)
        let place = placement.hosts.isEmpty ? "" : " on \(placement.description)"
        return [
            .record(
                .generationStarted(
                    generation: generation, ranks: placement.rankCount, hosts: placement.description,
                    restartsUsed: supervisor.restartsUsed)),
            .log("generation \(generation): launching \(placement.rankCount) ranks\(place)"),
        ]
    }

    /// Something stopped, and training went on.
    private func survived(
        _ kind: String, _ process: String, _ seconds: Double, _ what: String
    ) -> [Effect] {
        let line = "\(process) \(what) after \(Int(seconds.rounded())) s"
        return [
            note(kind, ["process": process, "seconds": "\(seconds)"]), .log("generation \(generation): \(line)"),
            .announce(line),
        ]
    }

    private func note(_ kind: String, _ detail: [String: String]) -> Effect {
        .record(.event(generation: generation, kind: kind, detail: detail))
    }

    private func records(_ entries: [JournalEntry]) -> [Effect] { entries.map(Effect.record) }
}
