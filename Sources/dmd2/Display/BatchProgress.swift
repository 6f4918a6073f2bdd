import Foundation
import Training

/// Progress of work that this program does itself, in pieces: a line that is redrawn on a terminal, elsewhere one every
/// ten seconds.
final class BatchProgress {
    private let what: String
    private let total: Int
    private let unit: String
    private let isTerminal = StandardError.isTerminal
    private let start = monotonicSeconds()
    private var shownAt: Double

    /// Progress towards `total` of a unit.
    init(_ what: String, total: Int, unit: String) {
        (self.what, self.total, self.unit) = (what, total, unit)
        shownAt = start
    }

    /// So many are done.
    func show(_ done: Int) {
        let now = monotonicSeconds()
        guard now - shownAt >= (isTerminal ? 0.1 : 10) else { return }
        shownAt = now
        let rate = Double(done) / max(now - start, 1e-9)
        let remaining = durationText(seconds: Double(total - done) / max(rate, 1e-9))
        let line = "\(what) \(done)/\(total), \(Int(rate.rounded())) \(unit)/s, ETA \(remaining)"
        StandardError.write(isTerminal ? "\u{1B}[K\(line)\r" : line + "\n")
    }

    /// Clears the line.
    func finish() {
        if isTerminal { StandardError.write("\r\u{1B}[K") }
    }
}
