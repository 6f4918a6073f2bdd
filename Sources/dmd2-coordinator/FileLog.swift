import Foundation
import Logging
import Synchronization
import Training

/// A log file, one line per message: time in UTC, level, text.
struct FileLog: LogHandler {
    private let file: File
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    /// A logger that appends to a file, creating its folder.
    static func logger(path: String) throws -> Logger {
        let file = try File(path: path)
        return Logger(label: "coordinator") { _ in FileLog(file: file) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        file.append("\(time) \(event.level) \(event.message)\n")
    }

    /// Copies of a logger share the file.
    private final class File: Sendable {
        private let handle: Mutex<FileHandle>

        init(path: String) throws {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let exists = FileManager.default.fileExists(atPath: path)
            guard exists || FileManager.default.createFile(atPath: path, contents: nil) else {
                throw RunFolderError.unusable(folder: folder, reason: "\(path) cannot be created")
            }
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
            self.handle = Mutex(handle)
        }

        func append(_ line: String) {
            // A full disk costs lines of the log, not the run.
            handle.withLock { try? $0.write(contentsOf: Data(line.utf8)) }
        }
    }
}
