import Coordination
import Foundation
import Glibc
import Journal
import Training

/// What a coordinator that was killed has left running.
enum EarlierLaunch {
    /// The endpoint that the ranks of the last launch were told, if its coordinator never saw it end: one that listens
    /// there can go on with it. Call it before the run folder is taken.
    static func endpoint(in layout: RunFolderLayout) -> String? { record(in: layout)?.order.endpoint }

    /// The last launch, if this coordinator can go on with it: it listens where the ranks look for it, and would start
    /// them in the same way. Any other is ended, and so is one that was asked to stop, unless `finishesStop`: whoever
    /// starts the run again does not want it to stop. Call it with the run folder's lock held: then whoever began the
    /// launch is gone.
    static func adoptable(
        in layout: RunFolderLayout, reachedAt endpoint: String, plan: LaunchPlan, journal: Journal, finishesStop: Bool
    ) throws -> LaunchRecord? {
        guard let record = record(in: layout) else { return nil }
        let logs = layout.logs(ofGeneration: record.order.generation)
        let hasEnd = FileManager.default.fileExists(atPath: LaunchRecord.endPath(inLogs: logs))
        let last = try journal.generations().last
        if last?.generation == record.order.generation, last?.endedUTC == nil, record.keeper.isAlive || hasEnd,
            record.order.endpoint == endpoint, plan.wouldOrder(record.order),
            try finishesStop
                || journal.liveLaunch(record.order.generation, on: record.order.placement).stopCause == nil
        {
            return record
        }
        end(record)
        return nil
    }

    /// Ends the last launch if it lives. Call it only where no coordinator owns the run folder.
    static func end(in layout: RunFolderLayout) {
        if let record = record(in: layout) { end(record) }
    }

    private static func end(_ record: LaunchRecord) {
        if record.keeper.isAlive { kill(record.keeper.pid, SIGKILL) }
        MarkedProcesses.end(mark: record.order.mark) { process in
            TerminalLine.write("waiting for the end of process \(process) of the launch before, which was killed")
        }
        LaunchKeeper.remove(record.order.scratchFolders)
    }

    /// The record of the launch that `coordinator.json` names. A keeper that has just been started gets a moment to
    /// write it.
    private static func record(in layout: RunFolderLayout) -> LaunchRecord? {
        guard let address = RecordFile.read(CoordinatorAddress.self, at: layout.coordinatorAddress),
            address.isOnThisMachine, address.generation > 0
        else { return nil }
        let logs = layout.logs(ofGeneration: address.generation)
        for _ in 0..<100 {
            if let record = RecordFile.read(LaunchRecord.self, at: LaunchRecord.path(inLogs: logs)) { return record }
            if RecordFile.read(LaunchEnd.self, at: LaunchRecord.endPath(inLogs: logs)) != nil { return nil }
            usleep(20_000)
        }
        return nil
    }
}
