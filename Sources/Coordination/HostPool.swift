/// Which hosts a run may use, and when to change them. Decides only: whoever finds the hosts tells it.
///
/// A change in the list counts once two polls in a row agree on it, so a list that is being written or a script that
/// stumbles once moves nothing. Hosts that have been there longer come first and keep the low ranks. A host that was
/// lost, or that was to blame for two failures, is left out for a time that doubles with every repetition and halves
/// with every success. Where the run could not go on without it, it comes back after a part of that time: a doubtful host
/// is better than none. Times are seconds on a monotonic clock.
package struct HostPool: Equatable, Sendable {
    /// What is wanted of the hosts.
    package struct Policy: Equatable, Sendable {
        /// The fewest ranks worth running.
        package var minRanks: Int
        /// The most.
        package var maxRanks: Int
        /// How long more ranks must have been possible before the run is restarted for them, seconds.
        package var growAfterSeconds: Double

        /// Creates a policy; see the properties for the meaning of each argument.
        package init(minRanks: Int, maxRanks: Int, growAfterSeconds: Double) {
            self.minRanks = minRanks
            self.maxRanks = maxRanks
            self.growAfterSeconds = growAfterSeconds
        }
    }

    /// Why ranks should move.
    package enum Change: Equatable, Sendable {
        /// Hosts or slots in use are to be given back: at once.
        case shrink(to: Int)
        /// More ranks have been possible for long enough.
        case grow(to: Int)
    }

    /// The first time a host is left out, seconds.
    package static let firstQuarantineSeconds = 30.0
    /// The longest: less than a run waits for hosts.
    package static let longestQuarantineSeconds = 300.0
    /// The share of its time after which a host that is left out is used where the others are too few.
    package static let shareWithoutOthers = 1.0 / 6
    /// Failures to blame a host for before it is left out. The loss of the host itself is enough alone.
    package static let strikesToQuarantine = 2

    private struct Host: Equatable {
        let name: String
        /// Slots in force.
        var slots: Int
        /// Slots in the last poll, if they differ from those in force.
        var proposedSlots: Int?
        var strikes = 0
        var nextQuarantineSeconds = HostPool.firstQuarantineSeconds
        var quarantinedUntil = -Double.infinity
        /// When it may be used if the others are too few.
        var neededFrom = -Double.infinity
    }

    private let policy: Policy
    private let isListed: Bool
    private var hosts: [Host]
    private var moreRanksSince: Double?

    /// This machine alone: the launches always have `ranks` ranks.
    package init(ranksHere ranks: Int) {
        policy = Policy(minRanks: ranks, maxRanks: ranks, growAfterSeconds: 0)
        isListed = false
        hosts = []
    }

    /// The hosts that were found first.
    package init(_ found: [HostSlots], policy: Policy) {
        self.policy = policy
        isListed = true
        hosts = Self.merged(found).map { Host(name: $0.name, slots: $0.slots) }
    }

    /// The fewest ranks worth running.
    package var minRanks: Int { policy.minRanks }

    /// Takes in what the latest poll found. Hosts that are not in it have no slots.
    package mutating func found(_ list: [HostSlots]) {
        guard isListed else { return }
        let slots = Dictionary(uniqueKeysWithValues: Self.merged(list).map { ($0.name, $0.slots) })
        for index in hosts.indices {
            let now = slots[hosts[index].name] ?? 0
            if now == hosts[index].slots {
                hosts[index].proposedSlots = nil
            } else if now == hosts[index].proposedSlots {
                hosts[index].slots = now
                hosts[index].proposedSlots = nil
            } else {
                hosts[index].proposedSlots = now
            }
        }
        for host in Self.merged(list) where !hosts.contains(where: { $0.name == host.name }) {
            hosts.append(Host(name: host.name, slots: 0, proposedSlots: host.slots))
        }
        // What is gone for good and owes nothing is forgotten; when it comes back it is the youngest.
        hosts.removeAll { $0.slots == 0 && $0.proposedSlots == nil && $0.strikes == 0 && $0.quarantinedUntil < 0 }
    }

    /// A failure began on a host; `isLost`: the whole host went.
    package mutating func blame(_ name: String, isLost: Bool, at now: Double) {
        guard let index = hosts.firstIndex(where: { $0.name == name }) else { return }
        hosts[index].strikes += 1
        guard isLost || hosts[index].strikes >= Self.strikesToQuarantine else { return }
        hosts[index].strikes = 0
        hosts[index].quarantinedUntil = now + hosts[index].nextQuarantineSeconds
        hosts[index].neededFrom = now + Self.shareWithoutOthers * hosts[index].nextQuarantineSeconds
        hosts[index].nextQuarantineSeconds = min(
            2 * hosts[index].nextQuarantineSeconds, Self.longestQuarantineSeconds)
    }

    /// A launch on these hosts has made progress: what is held against them fades.
    package mutating func succeeded(_ placement: LaunchPlacement) {
        for used in placement.hosts {
            guard let index = hosts.firstIndex(where: { $0.name == used.name }) else { continue }
            hosts[index].strikes = 0
            hosts[index].nextQuarantineSeconds = max(
                hosts[index].nextQuarantineSeconds / 2, Self.firstQuarantineSeconds)
        }
    }

    /// When a host that is left out may be used again; nil if it may now.
    package func quarantineEnd(of name: String, at now: Double) -> Double? {
        hosts.first { $0.name == name && $0.quarantinedUntil > now }?.quarantinedUntil
    }

    /// Where the next launch would run; nil while there are too few slots. Hosts that are left out come last, those that
    /// return first before the others, and only as many as the fewest ranks need.
    package func placement(at now: Double) -> LaunchPlacement? {
        guard isListed else { return LaunchPlacement(ranksHere: policy.maxRanks) }
        let fewest = max(1, policy.minRanks)
        var open = policy.maxRanks
        var chosen: [HostSlots] = []
        func choose(_ host: Host) {
            let ranks = min(host.slots, open)
            chosen.append(HostSlots(name: host.name, slots: ranks))
            open -= ranks
        }
        for host in hosts where host.slots > 0 && host.quarantinedUntil <= now && open > 0 { choose(host) }
        let doubtful = hosts.filter { $0.slots > 0 && $0.quarantinedUntil > now && $0.neededFrom <= now }
        for host in doubtful.sorted(by: { $0.quarantinedUntil < $1.quarantinedUntil })
        where policy.maxRanks - open < fewest { choose(host) }
        let placement = LaunchPlacement(hosts: chosen)
        return placement.rankCount >= fewest ? placement : nil
    }

    /// Whether a launch that runs well should give way to one on other hosts. Ask regularly while it runs.
    package mutating func change(from current: LaunchPlacement, at now: Double) -> Change? {
        guard isListed else { return nil }
        let available = placement(at: now)
        let isOverfull = current.hosts.contains { used in
            (hosts.first { $0.name == used.name }?.slots ?? 0) < used.slots
        }
        if isOverfull {
            moreRanksSince = nil
            // Too few slots are left: the run is saved, and waits.
            return .shrink(to: available?.rankCount ?? 0)
        }
        guard let available, available.rankCount > current.rankCount else {
            moreRanksSince = nil
            return nil
        }
        let since = moreRanksSince ?? now
        moreRanksSince = since
        return now - since >= policy.growAfterSeconds ? .grow(to: available.rankCount) : nil
    }

    /// A launch has begun: what was about to grow is settled.
    package mutating func launched() { moreRanksSince = nil }

    /// A host that is listed twice has the slots of both; without slots it is none.
    private static func merged(_ list: [HostSlots]) -> [HostSlots] {
        list.reduce(into: []) { merged, host in
            guard host.slots > 0 else { return }
            if let index = merged.firstIndex(where: { $0.name == host.name }) {
                merged[index].slots += host.slots
            } else {
                merged.append(host)
            }
        }
    }
}
