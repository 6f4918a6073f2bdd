import Coordination
import Foundation
package import Messaging

/// How a worker finds whoever schedules its run: the coordinator says so in the environment.
package enum ControlEnvironment {
    /// Variable with the coordinator's endpoint.
    package static let endpoint = "DMD2_COORDINATOR"
    /// Variable with the coordinator's process; its number means something only on the same machine.
    package static let process = "DMD2_COORDINATOR_PROCESS"
    /// Variable with the folder of keys that a person's commands use; without it, the one the coordinator names.
    package static let keys = "DMD2_KEYS"
    /// Variable with the number of the launch.
    package static let generation = "DMD2_GENERATION"

    /// True if a coordinator launched this process.
    package static var hasCoordinator: Bool { ProcessInfo.processInfo.environment[endpoint] != nil }

    /// The line to the coordinator that launched this process; nil if there is none, and rank 0 has to schedule the
    /// run itself with `InProcessControl`.
    ///
    /// A process that a later launch has replaced ends at once, even in the middle of a collective. `keys` is the folder
    /// with the coordinator's public key and the workers' secret one; nil: the coordinator asks for none.
    package static func coordinatorLink(rank: Int, rankCount: Int, keys: KeyFolder?) throws -> CoordinatorLink? {
        let environment = ProcessInfo.processInfo.environment
        guard let address = environment[endpoint] else { return nil }
        let text = environment[generation] ?? ""
        guard let generation = Int(text), generation >= 1 else {
            throw ControlError.badEnvironment(variable: self.generation, value: text)
        }
        let number = try environment[process].map { text in
            guard let process = pid_t(text), process > 0 else {
                throw ControlError.badEnvironment(variable: self.process, value: text)
            }
            return process
        }
        // A coordinator that is reached over a network may be on another machine, where its number means nothing.
        let process = try Endpoint(address).isLoopback ? number : nil
        let identity = CoordinatorLink.Identity(generation: generation, rank: rank, rankCount: rankCount)
        let clientKeys = try keys?.clientKeys(.worker)
        return try CoordinatorLink(
            connectingTo: address, keys: clientKeys, process: process, as: identity
        ) { reason in
            FileHandle.standardError.write(Data("rank \(rank): \(ControlError.superseded(reason: reason))\n".utf8))
            _exit(ExitStatus.stoppedResumable.rawValue)
        }
    }
}
