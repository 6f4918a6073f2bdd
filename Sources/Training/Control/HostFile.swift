import Checkpoints
package import Coordination
import Foundation
import Glibc

/// A file that lists the hosts a run may use, and may change while it runs.
package struct HostFile: Sendable {
    /// Its path.
    package let path: String

    package init(_ path: String) { self.path = path }

    /// The hosts it lists now.
    package func hosts() throws(HostFileError) -> [HostSlots] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            // The same question once more, to the system, which has words for the answer.
            let reason = access(path, R_OK) == 0 ? "it is no file" : systemErrorText()
            throw .unreadable(path: path, reason: reason)
        }
        do {
            return try HostListText.hosts(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw .malformed(path: path, error)
        }
    }
}

/// A host file that cannot be used.
package enum HostFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system refuses to read it.
    case unreadable(path: String, reason: String)
    /// A line is none.
    case malformed(path: String, HostListError)

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "launch.hostFile: cannot read \(path): \(reason)"
        case .malformed(let path, let error): "launch.hostFile: \(path): \(error)"
        }
    }

    /// How a program ends that meets this error.
    package var exitStatus: ExitStatus {
        switch self {
        case .unreadable: .inputMissing
        case .malformed: .badConfiguration
        }
    }
}
