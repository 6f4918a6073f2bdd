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
        /// They could not be looked up.
        case hostsUnknown(reason: String)
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

    let runName: String
    let pid: Int32
    let limits: Membership.Limits
    var supervisor: Supervisor
    var stages: StageTracker
    var membership: Membership
    /// The longest that a launch took to be complete, seconds; nil before the first.
    var slowestArrivalSeconds: Double?
    /// Whether this coordinator began the current launch; the ranks of another's had come before.
    var launchedHere = true
    var hosts: HostPool
    var time: TimeLedger
    var isRedoing = false
    var hasWorked = false
    /// Hosts from which ranks have been heard, and that have not been lost since.
    var provenHosts: Set<String> = []
    /// The names of the coordinator's own machine, which no launch has to reach.
    let ownHosts: Set<String>
    /// Why the hosts could not be looked up the last time; nil if they could.
    var hostsProblem: String?
    /// Where the ranks of the current launch run.
    package internal(set) var placement: LaunchPlacement
    var publishing: PreparedCheckpoint?
    var published: PreparedCheckpoint?
    var checkpoints: PublishedCheckpoints
    var checkpointProblem: String?
    var lastSeen = Heartbeat()
    /// What rank 0 last said, if that was in the current stage: the speed of another says nothing of this one's.
    var lastSeenInStage: Heartbeat? {
        lastSeen.stage == stages.scheduler?.declaration.name ? lastSeen : nil
    }
    /// A request for a window that waits for a decision about the ratio.
    var waitingRequest: (stage: String, firstStep: Int)?

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
        runName: String, pid: Int32, hosts: HostPool, ownHosts: Set<String> = [], restartBudget: Int,
        history: History = History(), limits: Membership.Limits = Membership.Limits()
    ) {
        self.runName = runName
        self.pid = pid
        self.hosts = hosts
        self.ownHosts = ownHosts
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
        runName: String, pid: Int32, hosts: HostPool, ownHosts: Set<String> = [], restartBudget: Int, history: History,
        resuming launch: LiveLaunch, limits: Membership.Limits = Membership.Limits(), at now: Double
    ) {
        self.init(
            runName: runName, pid: pid, hosts: hosts, ownHosts: ownHosts, restartBudget: restartBudget,
            history: history, limits: limits)
        supervisor = Supervisor(resuming: launch, restartBudget: restartBudget, at: now)
        stages.resume(launch)
        launchedHere = false
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
            return launchImpossible(status, reason, at: now)
        case .launchEnded(let generation, let end, let detail, let culprit):
            return launchEnded(generation, end, detail: detail, culprit: culprit, at: now)
        case .hostsFound(let found):
            hosts.found(found)
            hostsProblem = nil
            return []
        case .hostsUnknown(let reason):
            return hostsUnknown(reason)
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

    /// An entry in the journal of the current launch.
    func note(_ kind: String, _ detail: [String: String]) -> Effect {
        .record(.event(generation: generation, kind: kind, detail: detail))
    }

    func records(_ entries: [JournalEntry]) -> [Effect] { entries.map(Effect.record) }
}
