import Coordination
import Foundation

/// A run's state on some lines, for a person.
package enum StatusText {
    /// The lines, without a line end after the last.
    package static func text(_ shown: ShownStatus) -> String {
        let status = shown.status
        let process = status.pid > 0 ? ", process \(status.pid)" : ""
        var rows = [("run", "\(status.run), \(status.state.rawValue), launch \(status.generation)\(process)")]
        rows.append(("folder", shown.folder))
        if status.stage != nil {
            rows.append(("stage", ProgressLine.plain(status)))
            rows.append(("updates", updates(status)))
            if let health = status.health { rows.append(("health", health.line)) }
        }
        rows.append(("checkpoint", status.checkpoint.map(checkpoint) ?? "none"))
        if let problem = status.checkpointProblem { rows.append(("not saved", problem)) }
        if status.pid > 0 { rows.append(("restarts", restarts(status.restarts))) }
        if let goodput = status.goodput {
            rows.append(("goodput", LaunchStoryText.goodput(goodput.ratio, goodput.seconds)))
        }
        rows += status.ranks.map { ("rank \($0.rank)", rank($0)) }
        if !status.message.isEmpty { rows.append(("now", status.message)) }
        return Rows.text(rows)
    }

    private static func updates(_ status: RunStatus) -> String {
        guard let ratio = status.ratio else { return "\(status.step)" }
        let change = status.pendingRatio.map { ", \($0.ratio) from step \($0.step)" } ?? ""
        return "\(status.studentUpdates) student, \(status.criticUpdates) critic (ratio \(ratio)\(change))"
    }

    private static func checkpoint(_ checkpoint: RunStatus.Checkpoint) -> String {
        "\(checkpoint.stage) step \(checkpoint.step), \(durationText(seconds: checkpoint.ageSeconds)) ago"
    }

    private static func restarts(_ restarts: RunStatus.Restarts) -> String {
        let count = "\(restarts.used) of \(restarts.budget) without progress"
        return restarts.lastCause.map { "\(count); last cause: \($0)" } ?? count
    }

    private static func rank(_ rank: RunStatus.Rank) -> String {
        let silence = durationText(seconds: rank.heartbeatAgeSeconds)
        return "\(rank.phase.rawValue), step \(rank.step), \(rank.host) process \(rank.pid), heard \(silence) ago"
            + (rank.suspected ? ", silent" : "") + (rank.memory.map { ", \($0.residentBytes >> 20) MiB" } ?? "")
    }
}
