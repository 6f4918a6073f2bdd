/// Which ranks of a generation are present, and which are lost.
///
/// A rank whose heartbeats stop is suspected, then dead. A rank whose heartbeats go on while its progress counter
/// stands still is hung: the heartbeat comes from a thread of its own and proves only that the process lives.
/// Times are seconds on a monotonic clock.
package struct Membership: Equatable, Sendable {
    /// How long each kind of silence may last, seconds.
    package struct Limits: Equatable, Sendable {
        /// Time for all ranks to say hello after the launch, as long as none has been complete.
        package var arrival = 120.0
        /// The shortest such time where one has been.
        package var knownArrival = 30.0
        /// The same as a multiple of the longest that a launch took to be complete.
        package var knownArrivals = 10.0
        /// Silence after which a rank is suspected; suspicion is only shown.
        package var suspicion = 3.0
        /// Silence after which a rank is dead.
        package var death = 10.0
        /// Shortest time without progress that counts as hung while training.
        package var standstill = 30.0
        /// The same as a multiple of the slowest step so far.
        package var standstillSteps = 20.0
        /// The same for all phases but training, whose single operations last longer.
        package var longStandstill = 300.0

        /// The default limits.
        package init() {}

        /// The limits of a run whose launches have all been complete after so many seconds at the most: a process that
        /// hangs before it has said hello is told from a slow start sooner.
        package func knowing(slowestArrivalSeconds seconds: Double) -> Limits {
            var limits = self
            limits.arrival = min(arrival, max(knownArrival, knownArrivals * seconds))
            return limits
        }
    }

    /// A rank that is present.
    package struct Member: Equatable, Sendable {
        /// Name of its machine.
        package var host: String
        /// Its process.
        package var pid: Int32
        /// What it last reported.
        package var heartbeat: Heartbeat
        /// When it was last heard.
        package var heardAt: Double
        /// When its progress counter last moved.
        package var progressedAt: Double
    }

    /// A rank that must be given up, and why.
    package struct Loss: Equatable, Sendable {
        /// The rank.
        package var rank: Int
        /// One clause for a person.
        package var reason: String
        /// The host, if all of its ranks are lost and ranks elsewhere are not.
        package var host: String?
        /// For how long it had shown no sign of progress, seconds.
        package var silentSeconds: Double
    }

    /// How many ranks the generation has.
    package let size: Int
    /// The limits in force.
    package let limits: Limits
    /// The ranks that have said hello.
    package private(set) var members: [Int: Member] = [:]
    private let launchedAt: Double

    /// A generation of `size` ranks, launched now.
    package init(size: Int, launchedAt: Double, limits: Limits = Limits()) {
        self.size = size
        self.launchedAt = launchedAt
        self.limits = limits
    }

    /// Time since the launch, seconds.
    package func secondsSinceLaunch(at now: Double) -> Double { now - launchedAt }

    /// True once every rank has said hello.
    package var isComplete: Bool { members.count == size }

    /// A rank says hello; saying it again changes nothing but the time it was heard.
    package mutating func hello(rank: Int, host: String, pid: Int32, at now: Double) {
        if var member = members[rank], member.pid == pid, member.host == host {
            member.heardAt = now
            members[rank] = member
        } else {
            members[rank] = Member(host: host, pid: pid, heartbeat: Heartbeat(), heardAt: now, progressedAt: now)
        }
    }

    /// A rank reports. False if it never said hello. A report older than the last changes nothing.
    package mutating func heartbeat(rank: Int, _ heartbeat: Heartbeat, at now: Double) -> Bool {
        guard var member = members[rank] else { return false }
        guard heartbeat.progressCounter >= member.heartbeat.progressCounter else { return true }
        if heartbeat.progressCounter != member.heartbeat.progressCounter || heartbeat.phase != member.heartbeat.phase {
            member.progressedAt = now
        }
        member.heartbeat = heartbeat
        member.heartbeat.metrics = []
        member.heardAt = now
        members[rank] = member
        return true
    }

    /// Time since any rank got anything done; since the launch if none has, seconds.
    package func secondsSinceProgress(at now: Double) -> Double {
        now - (members.values.map(\.progressedAt).max() ?? launchedAt)
    }

    /// The rank to blame for a generation that cannot go on; nil if all is well.
    package func loss(at now: Double) -> Loss? {
        missing(at: now) ?? silent(at: now) ?? hung(at: now)
    }

    private func missing(at now: Double) -> Loss? {
        guard now - launchedAt > limits.arrival, let rank = (0..<size).first(where: { members[$0] == nil }) else {
            return nil
        }
        return Loss(
            rank: rank, reason: "rank \(rank) did not report within \(Int(limits.arrival)) s of the launch",
            silentSeconds: now - launchedAt)
    }

    private func silent(at now: Double) -> Loss? {
        let silent = members.min { $0.value.heardAt < $1.value.heardAt }
        guard let silent, now - silent.value.heardAt > limits.death else { return nil }
        let (rank, member) = silent
        let silence = now - member.heardAt
        let neighbours = members.filter { $0.value.host == member.host }
        if neighbours.count < members.count, neighbours.allSatisfy({ now - $0.value.heardAt > limits.suspicion }),
            members.contains(where: { now - $0.value.heardAt <= limits.suspicion })
        {
            let ranks = neighbours.keys.sorted().map(String.init).joined(separator: ", ")
            return Loss(
                rank: rank, reason: "host \(member.host) (ranks \(ranks)) has been silent for \(Int(silence)) s",
                host: member.host, silentSeconds: silence)
        }
        return Loss(
            rank: rank,
            reason: "rank \(rank) (\(member.host), pid \(member.pid)) has been silent for \(Int(silence)) s",
            silentSeconds: silence)
    }

    /// When one rank hangs, the others soon wait for it in an operation that it has not entered. It may itself still be
    /// within its limit when the first of those is beyond theirs.
    private func hung(at now: Double) -> Loss? {
        guard members.values.contains(where: { now - $0.progressedAt > limit(for: $0.heartbeat) }) else { return nil }
        func work(_ member: (key: Int, value: Member)) -> (Int, Int, Int) {
            (member.value.heartbeat.collectives, member.value.heartbeat.progressCounter, member.key)
        }
        guard let (rank, member) = members.min(by: { work($0) < work($1) }) else { return nil }
        let waiting = members.filter { $0.value.heartbeat.collectives > member.heartbeat.collectives }
        return Loss(
            rank: rank,
            reason: "rank \(rank) (\(member.host), pid \(member.pid)) has made no progress for "
                + "\(Int(now - member.progressedAt)) s while \(member.heartbeat.phase.rawValue)"
                + (waiting.isEmpty ? "" : "; \(waiting.count) of \(members.count) ranks wait for it"),
            silentSeconds: now - member.progressedAt)
    }

    private func limit(for heartbeat: Heartbeat) -> Double {
        switch heartbeat.phase {
        case .training:
            max(limits.standstill, limits.standstillSteps * heartbeat.slowestStepSeconds)
        case .starting, .saving, .evaluating:
            max(limits.longStandstill, limits.standstillSteps * heartbeat.slowestStepSeconds)
        }
    }
}
