/// A machine and the number of ranks it takes.
package struct HostSlots: Codable, Equatable, Hashable, Sendable {
    /// Its name, as mpirun reaches it.
    package var name: String
    /// Ranks that may run on it.
    package var slots: Int

    /// Creates a host; see the properties for the meaning of each argument.
    package init(name: String, slots: Int) {
        self.name = name
        self.slots = slots
    }
}

/// Where the ranks of one launch run: ranks are numbered through the hosts in order.
package struct LaunchPlacement: Codable, Equatable, Sendable {
    /// The hosts with the number of ranks on each; empty: this machine, without a list of hosts.
    package let hosts: [HostSlots]
    /// Ranks in all.
    package let rankCount: Int

    /// So many ranks on this machine.
    package init(ranksHere: Int) {
        hosts = []
        rankCount = ranksHere
    }

    /// The ranks of the hosts named.
    package init(hosts: [HostSlots]) {
        self.hosts = hosts
        rankCount = hosts.reduce(0) { $0 + $1.slots }
    }

    /// The host of a rank; nil on this machine, or where there is no such rank.
    package func host(ofRank rank: Int) -> String? {
        var end = 0
        for host in hosts {
            end += host.slots
            if rank < end { return host.name }
        }
        return nil
    }

    /// The hosts for a person: `node1:2,node2:2`; empty on this machine.
    package var description: String { hosts.map { "\($0.name):\($0.slots)" }.joined(separator: ",") }
}
