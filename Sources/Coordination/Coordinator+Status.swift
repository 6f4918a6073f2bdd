// What people ask and are shown.

extension Coordinator {
    /// Answers a command.
    mutating func control(_ request: ControlRequest, at now: Double) -> [Effect] {
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

    /// Begins to end the run with its state saved.
    mutating func stop(
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
        case .waitingForHosts:
            "waiting for hosts, until they have slots for \(counted(hosts.minRanks, "rank")); at most "
                + "\(Int(Supervisor.hostWaitSeconds)) s"
        case .resizing(let reason, _): "completing and saving the granted steps: \(reason)"
        case .running: supervisor.lastCause.map { "running again after: \($0)" } ?? "running"
        case .draining: "completing and saving the granted steps, then stopping"
        case .reaping(let reason, _, _): "ending generation \(generation): \(reason)"
        case .backingOff: "restarting after: \(supervisor.lastCause ?? "a failure")"
        case .ended(_, let message): message
        }
    }
}
