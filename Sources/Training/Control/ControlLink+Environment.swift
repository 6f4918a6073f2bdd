package import Communication
import Coordination
import Foundation
package import Messaging

/// How a worker finds whoever schedules its run: the coordinator says so in the environment.
package enum ControlEnvironment {
    /// Variable with the coordinator's endpoint.
    package static let endpoint = "DMD2_COORDINATOR"
    /// Variable with the folder of keys that a person's commands use; without it, the one the coordinator names.
    package static let keys = "DMD2_KEYS"
    /// Variable with the number of the launch.
    package static let generation = "DMD2_GENERATION"
    /// Variable with the machines of the launch and their ranks, `node1:2,node2:2`; empty: this machine.
    package static let hosts = "DMD2_HOSTS"
    /// Variable that tells the processes of one launch from all others on a machine.
    package static let launch = "DMD2_LAUNCH"

    /// True if a coordinator launched this process.
    package static var hasCoordinator: Bool { ProcessInfo.processInfo.environment[endpoint] != nil }

    /// The machine of a rank as the launch calls it; without a coordinator's list the name that the machine has itself.
    package static func nodeName(ofRank rank: Int) -> String {
        let list = (ProcessInfo.processInfo.environment[hosts] ?? "").replacingOccurrences(of: ",", with: "\n")
        let placement = (try? HostListText.hosts(list)).map { LaunchPlacement(hosts: $0) }
        return placement?.host(ofRank: rank) ?? ProcessInfo.processInfo.hostName
    }

    /// The line to the coordinator that launched this process; nil if there is none, and rank 0 has to schedule the
    /// run itself with `InProcessControl`.
    ///
    /// A process that a later launch has replaced ends at once, even in the middle of a collective. `keys` is the folder
    /// with the coordinator's public key and the workers' secret one; nil: the coordinator asks for none.
    package static func coordinatorLink(
        of communicator: some Communicator, keys: KeyFolder?
    ) throws -> CoordinatorLink? {
        let environment = ProcessInfo.processInfo.environment
        guard let address = environment[endpoint] else { return nil }
        let text = environment[generation] ?? ""
        guard let generation = Int(text), generation >= 1 else {
            throw ControlError.badEnvironment(variable: self.generation, value: text)
        }
        let rank = communicator.rank
        let identity = CoordinatorLink.Identity(generation: generation, rank: rank, rankCount: communicator.size)
        return try CoordinatorLink(
            connectingTo: address, keys: keys?.clientKeys(.worker), as: identity, counting: communicator.collectives
        ) { reason in
            StandardStream.error.write("rank \(rank): \(ControlError.superseded(reason: reason))\n")
            _exit(ExitStatus.stoppedResumable.rawValue)
        }
    }
}
