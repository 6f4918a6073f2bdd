import CLinux
import Checkpoints
import Coordination
import Foundation
import Subprocess
import SystemPackage
import Training

/// Stays with one launch from its start to its end, whatever becomes of the coordinator: starts mpirun, sorts its
/// output, writes down how it ended and clears away what it leaves.
struct LaunchKeeper: Sendable {
    let order: LaunchOrder
    let logFolder: String

    /// Runs the launch to its end.
    func run() async throws {
        // Ranks that outlive mpirun become children of this process, which can then reap them.
        // If the kernel refuses, init does.
        _ = shim_become_subreaper()
        var end = LaunchEnd(detail: "", culprit: .init())
        do {
            let output = try RankOutput(folder: logFolder, hosts: Set(order.placement.hosts.map(\.name)))
            for folder in order.scratchFolders { try DurableFolder.create(folder, mode: 0o700) }
            end.processEnd = try await launch(output)
            end.detail = output.lastWords
            end.culprit = output.culprit
        } catch let error as CheckpointError {
            end.detail = error.description
        } catch {
            end.detail = "cannot start \(order.command[0]): \(error)"
        }
        MarkedProcesses.end(mark: order.mark)
        Self.remove(order.scratchFolders)
        try RecordFile.write(end, to: LaunchRecord.endPath(inLogs: logFolder))
    }

    static func remove(_ folders: [String]) {
        for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
    }

    private func launch(_ output: RankOutput) async throws -> Supervisor.ProcessEnd {
        var options = PlatformOptions()
        options.processGroupID = 0
        let status = try await Subprocess.run(
            .path(FilePath(order.command[0])), arguments: Arguments(Array(order.command.dropFirst())),
            environment: .inherit.updating(environment), platformOptions: options, input: .none, output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            if let keeper = ProcessIdentity(pid: getpid()) {
                try RecordFile.write(
                    LaunchRecord(keeper: keeper, processGroup: execution.processIdentifier.value, order: order),
                    to: LaunchRecord.path(inLogs: logFolder))
            }
            for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) { output.take(line) }
        }.terminationStatus
        switch status {
        case .exited(let code): return .exited(code: code)
        case .signaled(let number): return .signalled(number: number)
        }
    }

    /// mpirun's sessions and the ranks' shared memory go to folders of the launch's own: a launch that is killed leaves
    /// them behind.
    private var environment: [Environment.Key: String?] {
        let parts = order.mark.split(separator: "=", maxSplits: 1).map(String.init)
        var variables: [Environment.Key: String?] = [Environment.Key(stringLiteral: parts[0]): parts[1]]
        if let sessions = order.scratchFolders.first { variables["TMPDIR"] = sessions }
        if order.scratchFolders.count > 1 {
            variables["OMPI_MCA_btl_vader_backing_directory"] = order.scratchFolders[1]
        }
        return variables
    }
}
