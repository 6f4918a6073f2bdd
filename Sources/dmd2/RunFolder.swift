import Coordination
import Foundation
import Training

/// The folder of a run, as a person names it on the command line.
struct RunFolder: Sendable {
    let path: String

    /// Where runs are kept unless their configuration says otherwise.
    static let parent = "runs"

    init(path: String) {
        self.path = path
    }

    /// The run that `argument` names: a run folder or a configuration file. Without an argument it is the only live run.
    init(argument: String?) throws {
        guard let argument else {
            self = try Self.onlyLiveRun()
            return
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
            throw CommandFailure(.inputMissing, "\(argument): no such run folder or configuration file")
        }
        path = isFolder.boolValue ? argument : try RunConfiguration.load(path: argument).run.folder
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

    /// A file of the run.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// What `coordinator.json` says, if its process lives.
    var liveCoordinator: CoordinatorAddress? {
        guard let bytes = FileManager.default.contents(atPath: file(CoordinatorAddress.fileName)),
            let address = try? JSONDecoder().decode(CoordinatorAddress.self, from: bytes),
            // A process of another user lives too, although it cannot be signalled.
            kill(address.pid, 0) == 0 || errno == EPERM
        else { return nil }
        return address
    }
}
