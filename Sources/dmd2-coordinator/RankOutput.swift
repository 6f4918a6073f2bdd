import Foundation
import Synchronization

/// Sorts mpirun's output into one file per rank. Lines about weights are also announced, since programs read them; the
/// rest of what a rank says is for whoever looks into its log.
final class RankOutput: Sendable {
    /// A line of mpirun's `--tag-output`.
    struct TaggedLine: Equatable {
        var rank: Int
        var isError: Bool
        var text: String

        /// Reads `[1,RANK]<stdout>:TEXT`; nil for a line that is mpirun's own.
        init?(_ line: String) {
            guard line.hasPrefix("["), let close = line.firstIndex(of: "]"),
                let comma = line[..<close].firstIndex(of: ","), let colon = line[close...].firstIndex(of: ":"),
                let rank = Int(line[line.index(after: comma)..<close])
            else { return nil }
            switch line[line.index(after: close)..<colon] {
            case "<stdout>": isError = false
            case "<stderr>": isError = true
            default: return nil
            }
            self.rank = rank
            text = String(line[line.index(after: colon)...])
        }
    }

    /// How a worker's own error lines begin; the rest of standard error is its log.
    private static let complaint = "dmd2-worker: "

    private struct State {
        var files: [String: FileHandle] = [:]
        var lastError = ""
        var endedRank = ""
    }

    private let folder: String
    private let announce: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Creates the folder for the files `rank-R.log` and `mpirun.log`. `announce` receives lines about weights.
    init(folder: String, announce: @escaping @Sendable (String) -> Void) throws {
        self.folder = folder
        self.announce = announce
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Which rank mpirun found ended, and the last error any rank reported, as far as there are such.
    var lastWords: String {
        state.withLock { [$0.endedRank, $0.lastError].filter { !$0.isEmpty }.joined(separator: ": ") }
    }

    /// Takes one line of mpirun's output.
    func take(_ line: String) {
        guard let tagged = TaggedLine(line) else {
            if let rank = Self.endedRank(line) { state.withLock { $0.endedRank = rank } }
            return append(line, to: "mpirun.log")
        }
        append(tagged.text, to: "rank-\(tagged.rank).log")
        if tagged.isError {
            let words = tagged.text.trimmingCharacters(in: .whitespaces)
            if words.hasPrefix(Self.complaint) {
                state.withLock { $0.lastError = String(words.dropFirst(Self.complaint.count).prefix(300)) }
            }
        } else if tagged.text.hasPrefix("weights ") {
            announce(tagged.text)
        }
    }

    /// `rank 1 on node A`, from `mpirun noticed that process rank 1 with PID 7 on node A exited on signal 9 (Killed).`
    private static func endedRank(_ line: String) -> String? {
        let words = line.split(separator: " ")
        guard line.hasPrefix("mpirun noticed that process rank"), words.count > 11 else { return nil }
        return "rank \(words[5]) on node \(words[11])"
    }

    private func append(_ text: String, to name: String) {
        state.withLock { state in
            if state.files[name] == nil { state.files[name] = newFile("\(folder)/\(name)") }
            state.files[name]?.write(Data("\(text)\n".utf8))
        }
    }

    /// Nil if the file cannot be made; the output is then lost, but the run is not.
    private func newFile(_ path: String) -> FileHandle? {
        FileManager.default.createFile(atPath: path, contents: nil) ? FileHandle(forWritingAtPath: path) : nil
    }
}

/// Prints lines to standard output, each once: a generation repeats what the one before it has said.
final class Announcer: Sendable {
    private let printed = Mutex<Set<String>>([])

    /// Prints a line that has not been printed before.
    func announce(_ line: String) {
        guard printed.withLock({ $0.insert(line).inserted }) else { return }
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}
