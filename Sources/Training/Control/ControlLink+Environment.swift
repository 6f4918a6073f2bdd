import Coordination
import Foundation

/// How a worker finds whoever schedules its run: the coordinator says so in the environment.
package enum ControlEnvironment {
    /// Variable with the coordinator's endpoint.
    package static let endpoint = "DMD2_COORDINATOR"
    /// Variable with the coordinator's process, which runs on the same machine.
    package static let process = "DMD2_COORDINATOR_PROCESS"
    /// Variable with the number of the launch.
    package static let generation = "DMD2_GENERATION"

    /// True if a coordinator launched this process.
    package static var hasCoordinator: Bool { ProcessInfo.processInfo.environment[endpoint] != nil }

    /// The line to the coordinator that launched this process; nil if there is none, and rank 0 has to schedule the
    /// run itself with `InProcessControl`.
    ///
    /// A process that a later launch has replaced ends at once, even in the middle of a collective.
    package static func coordinatorLink(rank: Int, rankCount: Int) throws -> CoordinatorLink? {
        let environment = ProcessInfo.processInfo.environment
        guard let address = environment[endpoint] else { return nil }
        let text = environment[generation] ?? ""
        guard let generation = Int(text), generation >= 1 else {
            throw ControlError.badEnvironment(variable: self.generation, value: text)
        }
        let process = try environment[process].map { text in
            guard let process = pid_t(text), process > 0 else {
                throw ControlError.badEnvironment(variable: self.process, value: text)
            }
            return process
        }
        let identity = CoordinatorLink.Identity(generation: generation, rank: rank, rankCount: rankCount)
        return try CoordinatorLink(connectingTo: address, process: process, as: identity) { reason in
            FileHandle.standardError.write(Data("rank \(rank): \(ControlError.superseded(reason: reason))\n".utf8))
            _exit(ExitStatus.stoppedResumable.rawValue)
        }
    }
}
