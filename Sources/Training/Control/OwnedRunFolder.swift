package import Checkpoints
package import Coordination
import Foundation

/// A run folder that this process owns until the value goes away: locked, and made with this configuration.
package final class OwnedRunFolder {
    /// Where things are in it.
    package let layout: RunFolderLayout
    private let lock: RunLock
    private let retention: RetentionPolicy

    /// Where the checkpoints of one stage are published, with the policy that says which stay: those whose files are in the
    /// run folder, or those whose files are on the machines of the ranks.
    package func checkpoints(of stage: String, onNodes: Bool) -> CheckpointStore {
        onNodes ? layout.nodeCheckpoints(of: stage) : layout.checkpoints(of: stage, retention: retention)
    }

    /// Takes a run folder, creating it if it is missing.
    ///
    /// With `fresh`, what an earlier run left is moved to `previous` inside the folder. Without, the run must have
    /// been made with the same settings, as far as they decide what is computed. `run.yaml` then says what this run
    /// uses. Throws `CheckpointError.locked` if a live run owns the folder, `RunFolderError` if it has other settings.
    package init(configuration: RunConfiguration, fresh: Bool) throws {
        layout = RunFolderLayout(configuration.run.folder)
        retention = configuration.checkpoints.retention
        lock = try RunLock(path: layout.lock)
        if fresh { try setAside() }
        try Self.checkSettings(configuration)
        try AtomicFile.write(configuration.yaml, to: layout.configuration)
    }

    /// Throws what taking the folder would throw if another run owns it or it has other settings; changes nothing.
    ///
    /// Programs ask first, then look at everything else that may be missing, and take the folder last: a run that
    /// cannot begin leaves no trace.
    package static func checkAvailability(configuration: RunConfiguration, fresh: Bool) throws {
        try RunLock.checkIsFree(path: RunFolderLayout(configuration.run.folder).lock)
        if !fresh { try checkSettings(configuration) }
    }

    private static func checkSettings(_ configuration: RunConfiguration) throws {
        let path = configuration.run.folder
        let recorded = RunFolderLayout(path).configuration
        guard FileManager.default.fileExists(atPath: recorded) else { return }
        let differences = configuration.differences(from: try RunConfiguration.load(path: recorded))
        guard differences.isEmpty else {
            throw RunFolderError.otherSettings(folder: path, differences: differences.map(\.description))
        }
    }

    /// Everything but the lock; what `previous` held before is removed.
    private func setAside() throws {
        let files = FileManager.default
        let (path, previous) = (layout.path, layout.previous)
        do {
            let names = try files.contentsOfDirectory(atPath: path)
                .filter { !RunFolderLayout.stayingNames.contains($0) }
            guard !names.isEmpty else { return }
            if files.fileExists(atPath: previous) { try files.removeItem(atPath: previous) }
            try files.createDirectory(atPath: previous, withIntermediateDirectories: false)
            for name in names { try files.moveItem(atPath: "\(path)/\(name)", toPath: "\(previous)/\(name)") }
        } catch {
            throw RunFolderError.unusable(folder: path, reason: error.localizedDescription)
        }
    }
}

/// A run folder that cannot be used.
package enum RunFolderError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It holds a run with other settings.
    case otherSettings(folder: String, differences: [String])
    /// The system refuses what must be done in it.
    case unusable(folder: String, reason: String)
    /// The system refuses to write where this machine is to keep the files of its saves.
    case nodeFolderUnusable(folder: String, reason: String)

    /// One line for a person: what failed, where, what to do.
    package var description: String {
        switch self {
        case .otherSettings(let folder, let differences):
            "\(folder) holds a run with other settings (\(differences.joined(separator: "; "))): "
                + "use them, set run.folder to another folder, or begin again with --fresh"
        case .unusable(let folder, let reason):
            "\(folder) cannot be used as run folder: \(reason)"
        case .nodeFolderUnusable(let folder, let reason):
            "\(folder) cannot be used as checkpoints.nodeFolder: \(reason)"
        }
    }

    /// How a program ends that meets this error.
    package var exitStatus: ExitStatus { .runFolderUnusable }
}
