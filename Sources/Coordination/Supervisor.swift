/// Keeps one generation of worker processes alive, or starts the next: launching → running → draining → reaping →
/// backing off → ended. Decides only; the program carries out the effects and reports back what happened.
/// Times are seconds on a monotonic clock.
package struct Supervisor: Sendable {
    /// Who asked the run to stop, which decides how the program exits.
    package enum StopCause: String, Codable, Sendable {
        /// A person's `stop`: the run is over and all is well.
        case command
        /// A signal, as batch systems send before they take the machine away: worth starting again.
        case signal
    }

    /// How a launch ended, as mpirun's exit says.
    package enum ProcessEnd: Equatable, Sendable {
        /// mpirun exited with this code.
        case exited(code: Int32)
        /// mpirun was ended by this signal.
        case signalled(number: Int32)
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
        /// A rank is dead or hung.
        case rankLost(reason: String)
        /// The launch of this generation could not be made at all.
        case launchImpossible(ExitStatus, reason: String)
        /// The launch of this generation has ended and nothing of it is left.
        case launchEnded(generation: Int, ProcessEnd, detail: String)
        /// The run was asked to stop.
        case stopAsked(StopCause)
        /// While draining: the workers have nothing to save, so waiting is pointless.
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
        /// The ranks have not all said hello.
        case launching
        /// They have.
        case running
        /// The run is to stop; steps granted are completed and saved until the deadline.
        case draining(StopCause, deadline: Double)
        /// The processes are being ended, because of this; at the deadline they are killed.
        case reaping(reason: String, deadline: Double)
        /// Waiting for the time of the next launch.
        case backingOff(until: Double)
        /// The run is over.
        case ended(ExitStatus, message: String)
    }

    /// How long a stop may take to complete and save the granted steps, seconds.
    package static let drainSeconds = 300.0
    /// Time between asking processes to end and killing them, seconds.
    package static let reapSeconds = 3.0

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

    private var reportedFailure: (exitCode: Int32, reason: String)?
    private var isFinished = false
    private var stopCause: StopCause?
    private var hasNothingToSave = false

    /// A supervisor whose first launch gets the number after `lastGeneration`.
    package init(lastGeneration: Int, restartBudget: Int) {
        generation = lastGeneration
        self.restartBudget = restartBudget
    }

    /// Takes in one event and says what to do. Events may be late, lost or doubled.
    package mutating func handle(_ event: Event, at now: Double) -> [Effect] {
        if case .ended = state { return [] }
        switch event {
        case .started:
            return state == .idle ? launch() : []
        case .ranksComplete:
            if state == .launching { state = .running }
            return []
        case .progressed:
            restartsUsed = 0
            return []
        case .finished:
            isFinished = true
            return []
        case .workerFailed(let rank, let exitCode, let reason):
            // The first report names the cause; the others follow from it.
            if reportedFailure == nil { reportedFailure = (exitCode, "rank \(rank): \(reason)") }
            return []
        case .rankLost(let reason):
            return reap(reason: reason, at: now)
        case .launchImpossible(let status, let reason):
            return end(status, reason)
        case .launchEnded(let ended, let processEnd, let detail):
            return ended == generation ? launchEnded(processEnd, detail: detail, at: now) : []
        case .stopAsked(let cause):
            return stop(cause, at: now)
        case .nothingToDrain:
            guard case .draining = state else { return [] }
            hasNothingToSave = true
            return reap(reason: "stopped", at: now)
        case .tick:
            return tick(at: now)
        }
    }

    private mutating func launch() -> [Effect] {
        generation += 1
        state = .launching
        reportedFailure = nil
        return [.launch(generation: generation)]
    }

    private mutating func end(_ status: ExitStatus, _ message: String) -> [Effect] {
        state = .ended(status, message: message)
        return [.end(status, message: message)]
    }

    private mutating func stop(_ cause: StopCause, at now: Double) -> [Effect] {
        let isRepeated = stopCause != nil
        stopCause = stopCause ?? cause
        switch state {
        case .idle, .backingOff:
            return end(cause == .command ? .done : .stoppedResumable, "stopped")
        case .launching, .running:
            state = .draining(cause, deadline: now + Self.drainSeconds)
            return []
        case .draining:
            // Whoever asks by signal twice does not want to wait.
            return isRepeated && cause == .signal ? reap(reason: "stopped without saving", at: now) : []
        case .reaping, .ended:
            return []
        }
    }

    private mutating func reap(reason: String, at now: Double) -> [Effect] {
        switch state {
        case .launching, .running, .draining:
            state = .reaping(reason: reason, deadline: now + Self.reapSeconds)
            return [.terminate(generation: generation)]
        case .idle, .reaping, .backingOff, .ended:
            return []
        }
    }

    private mutating func tick(at now: Double) -> [Effect] {
        switch state {
        case .draining(_, let deadline) where now >= deadline:
            return reap(reason: "stopped; saving took longer than \(Int(Self.drainSeconds)) s", at: now)
        case .reaping(let reason, let deadline) where now >= deadline:
            // mpirun ignores SIGTERM when one of its daemons is frozen; killing is repeated until it is gone.
            state = .reaping(reason: reason, deadline: now + Self.reapSeconds)
            return [.kill(generation: generation)]
        case .backingOff(let until) where now >= until:
            return launch()
        default:
            return []
        }
    }

    private mutating func launchEnded(_ processEnd: ProcessEnd, detail: String, at now: Double) -> [Effect] {
        if isFinished, processEnd == .exited(code: 0) { return end(.done, "finished") }
        switch state {
        case .idle, .backingOff, .ended:
            return []
        case .draining(let cause, _):
            if isOrderlyStop(processEnd) {
                return end(cause == .command ? .done : .stoppedResumable, "stopped, state is saved")
            }
            let cause = describe(processEnd, detail: detail)
            return end(permanentStatus(processEnd) ?? .stoppedResumable, "stopped, but the last save failed: \(cause)")
        case .reaping(let reason, _):
            if let stopCause {
                return end(hasNothingToSave && stopCause == .command ? .done : .stoppedResumable, reason)
            }
            return restart(cause: reason, at: now)
        case .launching, .running:
            let cause = describe(processEnd, detail: detail)
            if let status = permanentStatus(processEnd) { return end(status, cause) }
            return restart(cause: cause, at: now)
        }
    }

    private mutating func restart(cause: String, at now: Double) -> [Effect] {
        lastCause = cause
        guard restartsUsed < restartBudget else {
            return end(.gaveUp, "gave up after \(restartsUsed) restarts without a new checkpoint; last: \(cause)")
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
            case .signalled: [reportedFailure?.exitCode]
            }
        return codes.compactMap { $0.flatMap(ExitStatus.init(rawValue:)) }.first(where: \.isPermanent)
    }

    private func describe(_ processEnd: ProcessEnd, detail: String) -> String {
        if let reportedFailure { return reportedFailure.reason }
        let what =
            switch processEnd {
            case .exited(let code) where code > 128 && code < 160: "a rank was ended by signal \(code - 128)"
            case .exited(205): "mpirun lost the connection to a host"
            case .exited(let code): "the workers ended with code \(code)"
            case .signalled(let number): "mpirun was ended by signal \(number)"
            }
        return detail.isEmpty ? what : "\(what) (\(detail))"
    }
}
