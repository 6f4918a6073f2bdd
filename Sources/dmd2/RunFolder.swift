import Checkpoints
package import Coordination
import Foundation
import Training

/// The folder of a run, as a person names it on the command line.
package struct RunFolder: Sendable {
    /// The folder, relative to the working directory unless it begins with a slash.
    package let path: String

    /// Where runs are kept unless their configuration says otherwise.
    static let parent = "runs"

    /// The run in the folder `path`, which need not exist.
    package init(path: String) {
        self.path = path
    }

    /// The run that `argument` names: a run folder or a configuration file. Without an argument it is the only live run.
    package init(argument: String?) throws {
        self = try argument.map(Self.named) ?? Self.onlyLiveRun()
    }

    /// As `init(argument:)`, but where no run is live it is the one that last wrote its journal.
    package init(argumentOrLatest argument: String?) throws {
        guard argument == nil, !Self.all.contains(where: { $0.liveCoordinator != nil }) else {
            try self.init(argument: argument)
            return
        }
        guard let latest = Self.latest else {
            throw CommandFailure(
                .unavailable, "no run under \(Self.parent)/; start one with dmd2 run CONFIG, or name a run's folder")
        }
        self = latest
    }

    private static func named(_ argument: String) throws -> RunFolder {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
            throw CommandFailure(.inputMissing, "\(argument): no such run folder or configuration file")
        }
        return RunFolder(path: isFolder.boolValue ? argument : try RunConfiguration.load(path: argument).run.folder)
    }

    private static var latest: RunFolder? {
        let written = all.compactMap { folder -> (folder: RunFolder, date: Date)? in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.layout.journal)
            return (attributes?[.modificationDate] as? Date).map { (folder, $0) }
        }
        return written.max { $0.date < $1.date }?.folder
    }

    private static func onlyLiveRun() throws -> RunFolder {
        let live = all.filter { $0.liveCoordinator != nil }
        guard let run = live.first else {
            throw CommandFailure(
                .unavailable, "no live run under \(parent)/; start one with dmd2 run CONFIG, or name a run")
        }
        guard live.count == 1 else {
            let names = live.map(\.path).joined(separator: ", ")
            throw CommandFailure(.usage, "several runs are live; name one of \(names)")
        }
        return run
    }

    /// The folders under `parent`, in the order of their names.
    static var all: [RunFolder] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        return names.sorted().map { RunFolder(path: "\(parent)/\($0)") }
    }

    /// Where things are in it.
    var layout: RunFolderLayout { RunFolderLayout(path) }

    /// What `coordinator.json` says, if its process lives. Another machine's process number says nothing here, but a
    /// coordinator holds the run's lock as long as it lives.
    package var liveCoordinator: CoordinatorAddress? {
        guard let bytes = FileManager.default.contents(atPath: layout.coordinatorAddress),
            let address = try? JSONDecoder().decode(CoordinatorAddress.self, from: bytes),
            address.isOnThisMachine ? isAlive(address.pid) : isLocked
        else { return nil }
        return address
    }

    /// A process of another user lives too, although it cannot be signalled. One that has ended and only waits for its
    /// parent can be, and does not.
    private func isAlive(_ process: pid_t) -> Bool {
        kill(process, 0) == 0 ? ProcessIdentity(pid: process) != nil : errno == EPERM
    }

    private var isLocked: Bool {
        do {
            try RunLock.checkIsFree(path: layout.lock)
            return false
        } catch {
            return true
        }
    }
}
