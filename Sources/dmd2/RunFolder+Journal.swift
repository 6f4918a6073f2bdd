import Coordination
import Foundation
import Journal

extension RunFolder {
    /// The run's journal, for reading. Throws a `CommandFailure` if there is none yet.
    func journal() throws -> Journal {
        guard FileManager.default.fileExists(atPath: file(Journal.fileName)) else {
            throw CommandFailure(.inputMissing, "\(file(Journal.fileName)): no such file; \(path) holds no run")
        }
        return try Journal.reading(inFolder: path)
    }
}
