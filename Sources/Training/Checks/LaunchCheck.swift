import Checkpoints
import Coordination
import Foundation
import Messaging

/// Whether a run may begin in its folder, and can be launched: what `dmd2 run` would meet first.
package struct LaunchCheck {
    private let configuration: RunConfiguration

    /// A check of a configuration on this machine.
    package init(_ configuration: RunConfiguration) { self.configuration = configuration }

    /// A finding for the run folder and for each thing that a launch needs.
    package var findings: [Finding] { [runFolder, mpirun] + [keys, hostFile].compactMap(\.self) }

    /// It is free, takes files, and holds no run with other settings.
    private var runFolder: Finding {
        let name = "run folder"
        let folder = RunFolderLayout(configuration.run.folder)
        do {
            try OwnedRunFolder.checkAvailability(configuration: configuration, fresh: false)
        } catch {
            return Finding(.failed, name, "\(error)")
        }
        let nearest = NearestFolder(to: folder.path)
        if let problem = nearest.problem {
            return Finding(.failed, name, problem, advice: "set run.folder to a folder of yours")
        }
        let holdsRun = FileManager.default.fileExists(atPath: folder.configuration)
        return Finding(.ok, name, "\(folder.path) \(holdsRun ? "holds this run, which goes on" : "is free")")
    }

    private var mpirun: Finding {
        let (name, program) = ("mpirun", configuration.launch.mpirun)
        guard let path = MPILaunch.findProgram(program) else {
            return Finding(.failed, name, "\(program) not found", advice: MPILaunch.missingAdvice)
        }
        return Finding(.ok, name, path)
    }

    /// The keys of the control plane; nil if the run has none.
    private var keys: Finding? {
        guard let folder = configuration.coordinator.keyFolder else { return nil }
        do {
            _ = try folder.coordinatorKeys()
            _ = try folder.clientKeys(.worker)
            return Finding(.ok, "keys", folder.path)
        } catch {
            return Finding(.failed, "keys", "\(error)")
        }
    }

    /// The host file; nil if the run has none. A discovery script is not run here.
    private var hostFile: Finding? {
        guard !configuration.launch.hostFile.isEmpty else { return nil }
        let (name, file) = ("host file", HostFile(configuration.launch.hostFile))
        do {
            let hosts = try file.hosts()
            let slots = hosts.map(\.slots).reduce(0, +)
            let measured =
                "\(counted(hosts.count, "host")) with \(counted(slots, "slot")), \(configuration.launch.minRanks) needed"
            return slots >= configuration.launch.minRanks
                ? Finding(.ok, name, measured)
                : Finding(.warning, name, measured, advice: "a run waits until the file lists more")
        } catch {
            return Finding(.failed, name, "\(error)")
        }
    }
}
