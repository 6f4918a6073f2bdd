import Coordination
import Foundation
import Synchronization

/// Sorts mpirun's output into one file per rank, and remembers what it says about who ended.
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
        /// What mpirun, or the remote shell it uses, said first.
        var firstWords = ""
        var hasHeardRanks = false
        var culprit = Supervisor.Culprit()
    }

    private let folder: String
    private let hosts: Set<String>
    private let state = Mutex(State())

    /// Creates the folder for the files `rank-R.log` and `mpirun.log`. The launch's ranks run on `hosts`.
    init(folder: String, hosts: Set<String>) throws {
        self.folder = folder
        self.hosts = hosts
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Which rank mpirun found ended, and the last error any rank reported, as far as there are such. Where there are none
    /// and no rank has said anything: what was said first.
    var lastWords: String {
        state.withLock { state in
            let words = [state.endedRank, state.lastError].filter { !$0.isEmpty }
            return words.isEmpty && !state.hasHeardRanks ? state.firstWords : words.joined(separator: ": ")
        }
    }

    /// The rank that mpirun found ended first and the host it lost, as far as it says so.
    var culprit: Supervisor.Culprit { state.withLock(\.culprit) }

    /// Takes one line of mpirun's output.
    func take(_ line: String) {
        guard let tagged = TaggedLine(line) else {
            state.withLock { state in
                if state.firstWords.isEmpty, line.contains(where: \.isLetter) {
                    state.firstWords = String(line.prefix(300))
                }
                if let (rank, host) = Self.endedRank(line), state.culprit.rank == nil {
                    state.endedRank = "on \(host)"
                    state.culprit.rank = rank
                }
                if let host = Self.lostHost(line) ?? unreachedHost(line) { state.culprit.host = host }
            }
            return append(line, to: "mpirun.log")
        }
        state.withLock { $0.hasHeardRanks = true }
        append(tagged.text, to: "rank-\(tagged.rank).log")
        if tagged.isError {
            let words = tagged.text.trimmingCharacters(in: .whitespaces)
            if words.hasPrefix(Self.complaint) {
                state.withLock { $0.lastError = String(words.dropFirst(Self.complaint.count).prefix(300)) }
            }
        }
    }

    /// 1 and A, from `mpirun noticed that process rank 1 with PID 7 on node A exited on signal 9 (Killed).`
    private static func endedRank(_ line: String) -> (rank: Int, host: String)? {
        let words = line.split(separator: " ")
        guard line.hasPrefix("mpirun noticed that process rank"), words.count > 11, let rank = Int(words[5]) else {
            return nil
        }
        return (rank, String(words[11]))
    }

    /// B, from `  Remote daemon: [[30,0],2] on node B`.
    private static func lostHost(_ line: String) -> String? {
        let words = line.split(separator: " ")
        guard words.starts(with: ["Remote", "daemon:"]), words.count >= 6, words[3] == "on" else { return nil }
        return String(words[5])
    }

    /// B, from `ssh: connect to host B port 22: …`, `ssh: Could not resolve hostname B: …` or `A@B: Permission denied …`.
    private func unreachedHost(_ line: String) -> String? {
        guard line.hasPrefix("ssh: ") || line.contains(": Permission denied") else { return nil }
        let words = line.split(whereSeparator: { " :@".contains($0) }).map(String.init)
        return words.first(where: hosts.contains)
    }

    private func append(_ text: String, to name: String) {
        state.withLock { state in
            if state.files[name] == nil { state.files[name] = newFile("\(folder)/\(name)") }
            // A full disk costs lines of the log, not the run.
            try? state.files[name]?.write(contentsOf: Data("\(text)\n".utf8))
        }
    }

    /// Nil if the file cannot be made; the output is then lost, but the run is not.
    private func newFile(_ path: String) -> FileHandle? {
        FileManager.default.createFile(atPath: path, contents: nil) ? FileHandle(forWritingAtPath: path) : nil
    }
}

extension RankOutput {
    /// The lines about weights that rank 0 of a launch has printed: programs read them. A launch repeats what those
    /// before it have said.
    static func weightsLines(inLogs folder: String) -> [String] {
        guard let bytes = FileManager.default.contents(atPath: "\(folder)/rank-0.log") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("weights ") }
    }
}
