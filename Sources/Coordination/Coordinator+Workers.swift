// What workers say.

extension Coordinator {
    /// Hears a worker: one of another launch, of no rank, or out of bounds is refused and changes nothing.
    mutating func worker(_ envelope: WorkerEnvelope, at now: Double) -> [Effect] {
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
        if launchedHere {
            slowestArrivalSeconds = max(slowestArrivalSeconds ?? 0, membership.secondsSinceLaunch(at: now))
        }
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
            // A stage that trains may measure on the way, and has its state to save.
            if heartbeat.phase == .evaluating, stages.scheduler?.trains == false {
                effects += supervise(.nothingToDrain, at: now)
            }
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
            let begun = [Effect.reply(.stageBegun(stage: declaration.name))] + records(entries)
            // A repeated message begins nothing.
            guard !entries.isEmpty,
                let newest = checkpoints.discard(stage: declaration.name, after: declaration.startStep)
            else { return begun }
            let line =
                "\(declaration.name) goes on from step \(declaration.startStep): the checkpoint of step \(newest) is "
                + "gone, or cannot be used"
            return begun + [.log(line), .announce(line)]
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
            time.note(.finished, at: now)
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
        [withdraw(collapse), .log(collapse.description)]
            + supervise(.collapsed(reason: collapse.description), at: now)
    }
}
