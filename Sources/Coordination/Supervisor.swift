/// Keeps one generation of worker processes alive, or starts the next: waiting for hosts → launching → running →
/// draining or resizing → reaping → backing off → ended. Decides only; the program carries out the effects and reports
/// back what happened. Times are seconds on a monotonic clock.
package struct Supervisor: Sendable {
    /// Who asked the run to stop, which decides how the program exits.
    package enum StopCause: String, Codable, Sendable {
        /// A person's `stop`: the run is over and all is well.
        case command
        /// A signal, as batch systems send before they take the machine away: worth starting again.
        case signal
    }

    /// How a launch ended, as mpirun's exit says.
    package enum ProcessEnd: Codable, Equatable, Sendable {
        /// mpirun exited with this code.
        case exited(code: Int32)
        /// mpirun was ended by this signal.
        case signalled(number: Int32)
        /// The process that kept the launch was gone before it, and it was ended unseen.
        case unseen
    }

    /// What mpirun says about who ended a launch.
    package struct Culprit: Codable, Equatable, Sendable {
        /// The rank it found ended first.
        package var rank: Int?
        /// The host it lost.
        package var host: String?

        /// Creates a verdict; see the properties for the meaning of each argument.
        package init(rank: Int? = nil, host: String? = nil) {
            self.rank = rank
            self.host = host
        }
    }

    /// What happened.
    package enum Event: Equatable, Sendable {
        /// The program is ready to launch.
        case started
        /// All ranks of the generation have said hello.
        case ranksComplete
        /// A checkpoint was published or a stage was finished: restarts have been worth it.
        case progressed
        /// Rank 0 says that all stages are complete.
        case finished
        /// A rank says why it leaves.
        case workerFailed(rank: Int, exitCode: Int32, reason: String)
        /// A rank is dead or hung; `isHost`: all ranks of a host are, which is a change of membership.
        case rankLost(reason: String, isHost: Bool = false)
        /// The run should go on with other ranks: the granted steps are completed and saved first.
        case resizeWanted(reason: String)
        /// Training has collapsed: what it goes on to compute is of no use.
        case collapsed(reason: String)
        /// The launch could not be made at all.
        case launchImpossible(ExitStatus, reason: String)
        /// The launch of this generation has ended and nothing of it is left.
        case launchEnded(generation: Int, ProcessEnd, detail: String, culprit: Culprit = Culprit())
        /// The run was asked to stop.
        case stopAsked(StopCause)
        /// While draining or resizing: the workers have nothing to save, so waiting is pointless.
        case nothingToDrain
        /// Time has passed.
        case tick
    }

    /// What to do.
    package enum Effect: Equatable, Sendable {
        /// Launch this generation.
        case launch(generation: Int)
        /// Ask the processes of the generation to end.
        case terminate(generation: Int)
        /// End them.
        case kill(generation: Int)
        /// The run is over.
        case end(ExitStatus, message: String)
    }

    /// Where the supervisor is. Deadlines are times.
    package enum State: Equatable, Sendable {
        /// Nothing has been launched.
        case idle
        /// A launch is due, and too few slots are there.
        case waitingForHosts(deadline: Double)
        /// The ranks have not all said hello.
        case launching
        /// They have.
        case running
        /// The run is to stop; steps granted are completed and saved until the deadline.
        case draining(StopCause, deadline: Double)
        /// The next launch is to have other ranks; steps granted are completed and saved until the deadline.
        case resizing(reason: String, deadline: Double)
        /// The processes are being ended, because of this; at the deadline they are killed. `isHost`: a host was lost.
        case reaping(reason: String, deadline: Double, isHost: Bool = false)
        /// Waiting for the time of the next launch.
        case backingOff(until: Double)
        /// The run is over.
        case ended(ExitStatus, message: String)
    }

    /// How long a stop may take to complete and save the granted steps, seconds.
    package static let drainSeconds = 300.0
    /// Time between asking processes to end and killing them, seconds. They have nothing left to save.
    package static let reapSeconds = 1.0
    /// How long a launch may wait for hosts, seconds.
    package static let hostWaitSeconds = 600.0
    /// How long launches may be impossible, on a full disk say, where one has been complete before, and the time between
    /// two attempts, seconds.
    package static let impossibleSeconds = 600.0
    package static let impossibleRetrySeconds = 5.0
    /// How long mpirun may outlive its finished ranks, seconds.
    package static let finishSeconds = 30.0

    /// How the message begins of a run that was asked to stop and could not save.
    package static let unsavedStop = "stopped, but the last save failed: "

    /// Where the supervisor is.
    package private(set) var state = State.idle
    /// Number of the current launch; strictly increasing, also over runs of the program.
    package private(set) var generation: Int
    /// Restarts since the last progress.
    package private(set) var restartsUsed = 0
    /// How many of those are allowed.
    package let restartBudget: Int
    /// Why the last failed generation ended.
    package private(set) var lastCause: String?
    /// Whether there are slots enough for a launch. Whoever knows the hosts keeps it right.
    package var hostsSuffice = true

    private var reportedFailure: (exitCode: Int32, reason: String)?
    private var finishedAt: Double?
    private var collapse: String?
    private var stopCause: StopCause?
    private var isSignalled = false
    private var hasNothingToSave = false
    private var hasBeenComplete = false
    private var impossibleSince: Double?

    /// True while the ranks of a launch are expected to work.
    package var isRunningOrLaunching: Bool {
        switch state {
        case .launching, .running, .draining, .resizing: true
        case .idle, .waitingForHosts, .reaping, .backingOff, .ended: false
        }
    }

    /// A supervisor whose first launch gets the number after `lastGeneration`.
    package init(lastGeneration: Int, restartBudget: Int) {
        generation = lastGeneration
        self.restartBudget = restartBudget
    }

    /// A supervisor of a launch that runs already.
    package init(resuming launch: LiveLaunch, restartBudget: Int, at now: Double) {
        generation = launch.generation
        self.restartBudget = restartBudget
        restartsUsed = launch.restartsUsed
        lastCause = launch.lastCause
        reportedFailure = launch.failure.map { ($0.exitCode, $0.reason) }
        finishedAt = launch.isFinished ? now : nil
        stopCause = launch.stopCause
        isSignalled = stopCause == .signal
        hasBeenComplete = launch.isComplete
        if let stopCause {
            state = .draining(stopCause, deadline: now + Self.drainSeconds)
        } else if let reason = launch.resizeReason {
            state = .resizing(reason: reason, deadline: now + Self.drainSeconds)
        } else {
            state = launch.isComplete ? .running : .launching
        }
    }

    /// Takes in one event and says what to do. Events may be late, lost or doubled.
    package mutating func handle(_ event: Event, at now: Double) -> [Effect] {
        if case .ended = state { return [] }
        switch event {
        case .started:
            return state == .idle ? launch(at: now) : []
        case .ranksComplete:
            hasBeenComplete = true
            impossibleSince = nil
            if state == .launching { state = .running }
            return []
        case .progressed:
            restartsUsed = 0
            return []
        case .finished:
            finishedAt = finishedAt ?? now
            return []
        case .workerFailed(let rank, let exitCode, let reason):
            // The first report names the cause; the others follow from it.
            if reportedFailure == nil { reportedFailure = (exitCode, "rank \(rank): \(reason)") }
            return []
        case .rankLost(let reason, let isHost):
            return reap(reason: reason, isHost: isHost, at: now)
        case .resizeWanted(let reason):
            if state == .running { state = .resizing(reason: reason, deadline: now + Self.drainSeconds) }
            return []
        case .collapsed(let reason):
            collapse = collapse ?? reason
            return reap(reason: reason, at: now)
        case .launchImpossible(let status, let reason):
            return launchImpossible(status, reason, at: now)
        case .launchEnded(let ended, let processEnd, let detail, let culprit):
            return ended == generation ? launchEnded(processEnd, detail: detail, culprit: culprit, at: now) : []
        case .stopAsked(let cause):
            return stop(cause, at: now)
        case .nothingToDrain:
            // An evaluation has no place to change ranks at: it is finished with those it has.
            if case .resizing = state { state = .running }
            guard case .draining = state else { return [] }
            hasNothingToSave = true
            return reap(reason: "stopped", at: now)
        case .tick:
            return tick(at: now)
        }
    }

    private mutating func launch(at now: Double) -> [Effect] {
        guard hostsSuffice else {
            if case .waitingForHosts = state { return [] }
            state = .waitingForHosts(deadline: now + Self.hostWaitSeconds)
            return []
        }
        generation += 1
        state = .launching
        reportedFailure = nil
        return [.launch(generation: generation)]
    }

    /// What the first launch lacks is missing for good. Where one has been complete, what is missing may come back, as the
    /// space on a disk.
    private mutating func launchImpossible(_ status: ExitStatus, _ reason: String, at now: Double) -> [Effect] {
        let since = impossibleSince ?? now
        guard hasBeenComplete, stopCause == nil, now - since < Self.impossibleSeconds else {
            return end(status, reason)
        }
        impossibleSince = since
        lastCause = reason
        state = .backingOff(until: now + Self.impossibleRetrySeconds)
        return []
    }

    private mutating func end(_ status: ExitStatus, _ message: String) -> [Effect] {
        state = .ended(status, message: message)
        return [.end(status, message: message)]
    }

    private mutating func stop(_ cause: StopCause, at now: Double) -> [Effect] {
        // A batch system's first signal may come to a run that a person has stopped already.
        let isSecondSignal = cause == .signal && isSignalled
        if cause == .signal { isSignalled = true }
        stopCause = stopCause ?? cause
        switch state {
        case .idle, .backingOff, .waitingForHosts:
            return end(cause == .command ? .done : .stoppedResumable, "stopped")
        case .launching, .running, .resizing:
            state = .draining(cause, deadline: now + Self.drainSeconds)
            return []
        case .draining:
            // Whoever asks by signal twice does not want to wait.
            return isSecondSignal ? reap(reason: "stopped without saving", at: now) : []
        case .reaping, .ended:
            return []
        }
    }

    private mutating func reap(reason: String, isHost: Bool = false, at now: Double) -> [Effect] {
        switch state {
        case .launching, .running, .draining, .resizing:
            state = .reaping(reason: reason, deadline: now + Self.reapSeconds, isHost: isHost)
            return [.terminate(generation: generation)]
        case .idle, .reaping, .backingOff, .waitingForHosts, .ended:
            return []
        }
    }

    private mutating func tick(at now: Double) -> [Effect] {
        switch state {
        case .draining(_, let deadline) where now >= deadline:
            return reap(reason: "stopped; saving took longer than \(Int(Self.drainSeconds)) s", at: now)
        case .resizing(let reason, let deadline) where now >= deadline:
            return reap(reason: "\(reason); saving took longer than \(Int(Self.drainSeconds)) s", at: now)
        case .reaping(let reason, let deadline, let isHost) where now >= deadline:
            // mpirun ignores SIGTERM when one of its daemons is frozen; killing is repeated until it is gone.
            state = .reaping(reason: reason, deadline: now + Self.reapSeconds, isHost: isHost)
            return [.kill(generation: generation)]
        case .backingOff(let until) where now >= until:
            return launch(at: now)
        case .waitingForHosts where hostsSuffice:
            return launch(at: now)
        case .waitingForHosts(let deadline) where now >= deadline:
            return end(.stoppedResumable, "no hosts for a launch within \(Int(Self.hostWaitSeconds)) s")
        case .launching, .running, .draining, .resizing:
            guard let finishedAt, now >= finishedAt + Self.finishSeconds else { return [] }
            return reap(reason: "mpirun has not ended within \(Int(Self.finishSeconds)) s of its ranks", at: now)
        default:
            return []
        }
    }

    private mutating func launchEnded(
        _ processEnd: ProcessEnd, detail: String, culprit: Culprit, at now: Double
    ) -> [Effect] {
        if let collapse { return end(.collapsed, collapse) }
        if finishedAt != nil, processEnd == .exited(code: 0) { return end(.done, "finished") }
        let cause = describe(processEnd, detail: detail, culprit: culprit)
        switch state {
        case .idle, .backingOff, .waitingForHosts, .ended:
            return []
        case .draining(let stopCause, _):
            if isOrderlyStop(processEnd) {
                return end(stopCause == .command ? .done : .stoppedResumable, "stopped, state is saved")
            }
            return end(permanentStatus(processEnd) ?? .stoppedResumable, Self.unsavedStop + cause)
        case .resizing(let reason, _):
            guard isOrderlyStop(processEnd) else {
                return failed(processEnd, cause: cause, culprit: culprit, at: now)
            }
            lastCause = reason
            state = .backingOff(until: now)
            return launch(at: now)
        case .reaping(let reason, _, let isHost):
            if finishedAt != nil { return end(.done, "finished; \(reason)") }
            if let stopCause {
                return end(hasNothingToSave && stopCause == .command ? .done : .stoppedResumable, reason)
            }
            return restart(cause: reason, isHost: isHost, at: now)
        case .launching, .running:
            return failed(processEnd, cause: cause, culprit: culprit, at: now)
        }
    }

    private mutating func failed(
        _ processEnd: ProcessEnd, cause: String, culprit: Culprit, at now: Double
    ) -> [Effect] {
        if let status = permanentStatus(processEnd) { return end(status, cause) }
        return restart(cause: cause, isHost: processEnd == Self.hostLost || culprit.host != nil, at: now)
    }

    private mutating func restart(cause: String, isHost: Bool, at now: Double) -> [Effect] {
        lastCause = cause
        // The loss of a host says nothing about whether the run can make progress on the others.
        guard !isHost else {
            state = .backingOff(until: now)
            return tick(at: now)
        }
        guard restartsUsed < restartBudget else {
            return end(
                .gaveUp, "gave up after \(counted(restartsUsed, "restart")) without a new checkpoint; last: \(cause)")
        }
        restartsUsed += 1
        // The first restart is immediate; then 1, 2, 4 … seconds, in case the obstacle passes by itself.
        let delay = restartsUsed == 1 ? 0 : Double(1 << min(restartsUsed - 2, 5))
        state = .backingOff(until: now + delay)
        return tick(at: now)
    }

    /// True if the workers left because they were told to, and with their state saved.
    private func isOrderlyStop(_ processEnd: ProcessEnd) -> Bool {
        reportedFailure == nil
            && [ExitStatus.done, .stoppedResumable].contains { processEnd == .exited(code: $0.rawValue) }
    }

    /// The status a worker left with, if a restart would end the same way.
    private func permanentStatus(_ processEnd: ProcessEnd) -> ExitStatus? {
        let codes =
            switch processEnd {
            case .exited(let code): [reportedFailure?.exitCode, code]
            case .signalled, .unseen: [reportedFailure?.exitCode]
            }
        return codes.compactMap { $0.flatMap(ExitStatus.init(rawValue:)) }.first(where: \.isPermanent)
    }

    /// The first cause in one clause. A rank that a signal ended could not report; what the others then say follows
    /// from it.
    private func describe(_ processEnd: ProcessEnd, detail: String, culprit: Culprit) -> String {
        if processEnd.rankSignal == nil, let reportedFailure { return reportedFailure.reason }
        let what =
            switch processEnd {
            case Self.hostLost: "mpirun lost the connection to \(culprit.host.map { "host \($0)" } ?? "a host")"
            case .exited(let code):
                if let signal = processEnd.rankSignal {
                    "\(culprit.rank.map { "rank \($0)" } ?? "a rank") was ended by signal \(signal)"
                } else if let host = culprit.host {
                    "the launch did not reach host \(host): mpirun ended with code \(code)"
                } else {
                    "the workers ended with code \(code)"
                }
            case .signalled(let number): "mpirun was ended by signal \(number)"
            case .unseen: "the process that kept the launch is gone"
            }
        return detail.isEmpty ? what : "\(what) (\(detail))"
    }

    /// How mpirun ends when a daemon on another host is gone.
    private static let hostLost = ProcessEnd.exited(code: 205)
}

extension Supervisor.ProcessEnd {
    /// The signal that ended a rank, as mpirun's exit code passes it on; nil if none did.
    fileprivate var rankSignal: Int32? {
        guard case .exited(let code) = self, code > 128, code < 160 else { return nil }
        return code - 128
    }
}
