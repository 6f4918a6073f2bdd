/// Where a run's time went: every second from the first launch to the end belongs to one activity.
///
/// Told the moments of a run's life as they happen, or again from the journal. Times are seconds on one clock, which
/// never runs backwards as far as the ledger is concerned.
package struct TimeLedger: Equatable, Sendable {
    /// What a run can be doing. All but `kept` is what failures and restarts cost.
    package enum Activity: String, Codable, Sendable, CaseIterable {
        /// Steps, saves and evaluation that no failure has undone yet.
        case kept
        /// From the last sign of progress to the cause being known.
        case detect
        /// From there, or from the end of all work, until nothing of the launch is left.
        case stop
        /// Between two launches: backing off, or waiting for hosts.
        case wait
        /// From the start of mpirun until all ranks have said hello.
        case launch
        /// From there to the first step: data, networks, checkpoint.
        case load
        /// Steps that an earlier launch had done already.
        case redo
    }

    /// What happens to a run.
    package enum Moment: Equatable, Sendable {
        /// mpirun is started.
        case launched
        /// All ranks have said hello.
        case ranksComplete
        /// The launch has done its first work; `isRedone` if an earlier launch had done it before.
        case worked(isRedone: Bool)
        /// The launch has come to where the one before it was.
        case caughtUp
        /// All work of the run is done; its processes have only to end.
        case finished
        /// It is known that the launch must be ended; for so long nothing had been heard of its progress, seconds.
        case troubleKnown(silentSeconds: Double)
        /// Nothing of the launch is left; as above, where nothing was known before.
        case launchEnded(silentSeconds: Double)
        /// Anything else: the run was alive then.
        case other
        /// The run is over, or stopped until somebody starts it again: that time is nobody's.
        case runEnded
    }

    /// Seconds of every activity that is over.
    package private(set) var seconds: [Activity: Double] = [:]
    /// What the run is doing; nil before the first launch and after the end.
    package private(set) var activity: Activity?
    private var since = 0.0
    private var lastMoment = 0.0

    /// A run that has not been launched.
    package init() {}

    /// Takes in what has happened at a time.
    package mutating func note(_ moment: Moment, at time: Double) {
        let now = max(time, since)
        switch moment {
        case .launched:
            // A launch whose end nobody saw was unsupervised from its last moment on.
            if let activity, activity != .wait { move(now - lastMoment, from: activity, to: .wait, at: now) }
            begin(.launch, at: now)
        case .ranksComplete:
            if activity == .launch { begin(.load, at: now) }
        case .worked(let isRedone):
            if activity == .launch || activity == .load { begin(isRedone ? .redo : .kept, at: now) }
        case .caughtUp:
            if activity == .redo { begin(.kept, at: now) }
        case .finished:
            if let activity, activity != .stop { begin(.stop, at: now) }
        case .troubleKnown(let silentSeconds):
            detect(silentSeconds, then: .stop, at: now)
        case .launchEnded(let silentSeconds):
            if activity == .stop { begin(.wait, at: now) } else { detect(silentSeconds, then: .wait, at: now) }
        case .other:
            break
        case .runEnded:
            if let activity { seconds[activity, default: 0] += now - since }
            (activity, since) = (nil, now)
        }
        lastMoment = now
    }

    /// The same ledger on another clock, which shows `offset` more.
    package func shifted(by offset: Double) -> TimeLedger {
        var ledger = self
        ledger.since += offset
        ledger.lastMoment += offset
        return ledger
    }

    /// Seconds of every activity up to a time, all activities in it.
    package func seconds(at time: Double) -> [Activity: Double] {
        var seconds = Dictionary(uniqueKeysWithValues: Activity.allCases.map { ($0, self.seconds[$0] ?? 0) })
        if let activity { seconds[activity, default: 0] += max(0, time - since) }
        return seconds
    }

    private mutating func begin(_ next: Activity, at now: Double) {
        if let activity { seconds[activity, default: 0] += now - since }
        (activity, since) = (next, now)
    }

    /// The last `silentSeconds` were spent on finding out.
    private mutating func detect(_ silentSeconds: Double, then next: Activity, at now: Double) {
        guard let activity, activity != .wait else { return }
        move(silentSeconds, from: activity, to: .detect, at: now)
        begin(next, at: now)
    }

    /// Gives the last seconds of the current activity to another.
    private mutating func move(_ amount: Double, from activity: Activity, to other: Activity, at now: Double) {
        let moved = min(max(0, amount), now - since)
        seconds[activity, default: 0] -= moved
        seconds[other, default: 0] += moved
    }
}

/// How much of a run's time was kept.
package struct Goodput: Codable, Equatable, Sendable {
    /// Kept seconds by all seconds since the first launch; 1 before anything has happened.
    package var ratio: Double
    /// Seconds of each activity, by its name.
    package var seconds: [String: Double]

    /// The goodput that a ledger shows at a time.
    package init(_ ledger: TimeLedger, at time: Double) {
        let seconds = ledger.seconds(at: time)
        let total = seconds.values.reduce(0, +)
        ratio = total > 0 ? seconds[.kept, default: 0] / total : 1
        self.seconds = Dictionary(uniqueKeysWithValues: seconds.map { ($0.key.rawValue, $0.value) })
    }
}
