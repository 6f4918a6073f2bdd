import Coordination
import Foundation
import Journal
import Training

extension RunFolder {
    /// The run's journal, for reading. Throws a `CommandFailure` if there is none yet.
    func journal() throws -> Journal {
        guard FileManager.default.fileExists(atPath: layout.journal) else {
            throw CommandFailure(.inputMissing, "\(layout.journal): no such file; \(path) holds no run")
        }
        return try Journal.reading(path: layout.journal)
    }
}
