import Foundation
import Synchronization

/// How a program ended and what it said.
struct Outcome: Sendable {
    let exitCode: Int32
    let output: String
    let errors: String

    /// The lines on standard error that one of our programs wrote. mpirun adds paragraphs of its own about a rank that fails.
    var complaints: [String] {
        errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("dmd2") }
    }

    /// The lines `weights STAGE sha256:…`.
    var weights: [String] {
        output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("weights ") }
    }
}

/// A program that has been started. Its output goes to files, so nothing waits for a reader.
final class StartedProgram: Sendable {
    let name: String
    private let process: Mutex<Process>
    private let outputPath: String
    private let errorPath: String

    init(path: String, arguments: [String], folder: String, mark: String, environment: [String: String]) throws {
        name = URL(fileURLWithPath: path).lastPathComponent
        let identifier = UUID().uuidString
        outputPath = "\(folder)/\(name)-\(identifier).out"
        errorPath = "\(folder)/\(name)-\(identifier).err"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let parts = mark.split(separator: "=").map(String.init)
        process.environment = ProcessInfo.processInfo.environment.merging(
            [parts[0]: parts[1], "OMP_NUM_THREADS": "1"]
        ) { $1 }.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.newFile(outputPath)
        process.standardError = try Self.newFile(errorPath)
        try process.run()
        self.process = Mutex(process)
    }

    var processIdentifier: pid_t { process.withLock(\.processIdentifier) }

    /// How it ended; nil while it runs. Ended by a signal, it has the shell's code: 128 and the signal's number.
    var outcome: Outcome? {
        let exitCode = process.withLock { process -> Int32? in
            if process.isRunning { return nil }
            return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        }
        return exitCode.map { Outcome(exitCode: $0, output: Self.text(outputPath), errors: Self.text(errorPath)) }
    }

    private static func newFile(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(filePath: path))
        return try FileHandle(forWritingTo: URL(filePath: path))
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
