// Launches, hosts and time.

extension Coordinator {
    /// Nothing is left of a launch: who is to blame, and what next.
    mutating func launchEnded(
        _ ended: Int, _ end: Supervisor.ProcessEnd, detail: String, culprit: Supervisor.Culprit, at now: Double
    ) -> [Effect] {
        guard ended == generation else { return [] }
        var culprit = culprit
        let unproven = unprovenHosts
        if culprit == Supervisor.Culprit(), supervisor.state == .launching, !membership.isComplete, !unproven.isEmpty {
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
            // That the run gives up is no cause of the launch's end.
            case .ended(.gaveUp, let message): supervisor.lastCause ?? message
            case .ended(_, let message): message
            default: supervisor.lastCause ?? "ended"
            }
        return [
            .record(
                .generationEnded(generation: ended, cause: cause, silentSeconds: silentSeconds, step: stages.step)),
            .log("generation \(ended): \(cause)"),
        ] + next
    }

    /// A launch could not be made: the run ends, or tries again.
    mutating func launchImpossible(_ status: ExitStatus, _ reason: String, at now: Double) -> [Effect] {
        let next = supervise(.launchImpossible(status, reason: reason), at: now)
        guard case .backingOff = supervisor.state else { return next }
        time.note(.launchEnded(silentSeconds: 0), at: now)
        stages.launchEnded()
        return [
            .record(.generationEnded(generation: generation, cause: reason, silentSeconds: 0, step: stages.step)),
            .log("generation \(generation): \(reason)"),
        ] + next
    }

    /// Looks for ranks that are silent or stand still, and for hosts that came or went.
    mutating func tick(at now: Double) -> [Effect] {
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

    /// The hosts of this launch that never worked, if there are others that did. Where none has, the only other machine
    /// than this one.
    private var unprovenHosts: [String] {
        let unproven = placement.hosts.map(\.name).filter { !provenHosts.contains($0) }
        guard unproven.count == placement.hosts.count else { return unproven }
        let others = unproven.filter { !ownHosts.contains($0) }
        return others.count == 1 && others.count < unproven.count ? others : []
    }

    private mutating func lose(_ host: String, at now: Double) {
        provenHosts.remove(host)
        hosts.blame(host, isLost: true, at: now)
    }

    /// Where hosts cannot be looked up the run keeps those it knows. Told once, not every second.
    mutating func hostsUnknown(_ reason: String) -> [Effect] {
        guard reason != hostsProblem else { return [] }
        hostsProblem = reason
        let line = "the hosts stay as they were: \(reason)"
        return [note("hosts_unknown", ["reason": reason]), .log(line), .announce(line)]
    }

    /// Gives hosts back at once, and takes more once they have been there for long enough.
    private mutating func resize(at now: Double) -> [Effect] {
        guard supervisor.state == .running, lastSeen.phase != .evaluating, stages.scheduler != nil,
            let change = hosts.change(from: placement, at: now)
        else { return [] }
        let reason =
            switch change {
            case .shrink(let ranks): "fewer hosts: \(counted(placement.rankCount, "rank")) become \(ranks)"
            case .grow(let ranks): "more hosts: \(counted(placement.rankCount, "rank")) become \(ranks)"
            }
        stages.drain(generation: generation)
        return [note("resize", ["reason": reason]), .log(reason)] + supervise(.resizeWanted(reason: reason), at: now)
    }

    /// Asks the supervisor, which knows of processes only, with the hosts and the journal added.
    mutating func supervise(_ event: Supervisor.Event, at now: Double) -> [Effect] {
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
        launchedHere = true
        let limits = slowestArrivalSeconds.map(limits.knowing) ?? limits
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
            .log("generation \(generation): launching \(counted(placement.rankCount, "rank"))\(place)"),
        ]
    }

    /// Something stopped, and training went on.
    func survived(
        _ kind: String, _ process: String, _ seconds: Double, _ what: String
    ) -> [Effect] {
        let line = "\(process) \(what) after \(Int(seconds.rounded())) s"
        return [
            note(kind, ["process": process, "seconds": "\(seconds)"]), .log("generation \(generation): \(line)"),
            .announce(line),
        ]
    }
}
