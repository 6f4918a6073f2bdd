import Coordination
import Foundation
import Glibc
import Training

/// What remains of a coordinator that was killed: its address file and, for a while, its workers.
enum Leftovers {
    /// Ends the processes that the address file names. Call it with the run folder's lock held: then whoever wrote
    /// the file is gone.
    static func end(address path: String) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else { return }
        if let address = try? JSONDecoder().decode(CoordinatorAddress.self, from: bytes),
            address.isOnThisMachine, address.processGroup > 1, isMpirun(address.processGroup)
        {
            kill(-address.processGroup, SIGTERM)
            // mpirun needs a second to end its ranks; killing it would leave them to end by themselves.
            for _ in 0..<30 where kill(-address.processGroup, 0) == 0 { usleep(100_000) }
            kill(-address.processGroup, SIGKILL)
        }
        try FileManager.default.removeItem(atPath: path)
    }

    /// Process numbers are used again: another program's group must not be touched.
    private static func isMpirun(_ process: pid_t) -> Bool {
        let command = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
        return String(decoding: command, as: UTF8.self).contains(ControlEnvironment.endpoint)
    }
}
