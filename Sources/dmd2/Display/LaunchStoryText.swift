import Coordination
import Foundation
package import Training

/// What became of a launch, for a person.
package enum LaunchStoryText {
    /// The lines, without a line end after the last.
    package static func text(_ story: LaunchStory) -> String {
        var rows = [
            ("run", run(story)),
            (
                "launch",
                "\(story.launch), \(counted(story.ranks, "rank"))\(story.hosts.isEmpty ? "" : " on \(story.hosts)")"
            ),
        ]
        rows.append(("began", story.started))
        rows.append(("ended", ended(story)))
        if story.ending == .failed { rows.append(("first cause", story.cause ?? "not recorded")) }
        rows += story.collateral.map { ("followed", $0) }
        if story.coordinatorDeaths > 0 {
            rows.append(("survived", "the death of \(counted(story.coordinatorDeaths, "coordinator"))"))
        }
        rows += story.standstills.map { ("survived", "a standstill of \($0)") }
        if let stage = story.stage, let completed = story.stepsCompleted {
            rows.append(("was at", "\(stage) step \(completed)"))
        }
        if let lost = story.stepsLost, let start = story.nextStartedAt {
            rows.append(("lost", "\(counted(lost, "step")); the next launch began at step \(start)"))
        }
        if !story.outageSeconds.isEmpty {
            let total = story.outageSeconds.values.reduce(0, +)
            let state = story.isRecovered ? "" : ", not over yet"
            rows.append(("outage", seconds(total) + state + ": " + split(story.outageSeconds)))
        }
        if let launch = story.recoveredBy { rows.append(("recovered", "launch \(launch) had come as far again")) }
        rows.append(("goodput", goodput(story.goodput, story.secondsByActivity)))
        return Rows.text(rows)
    }

    /// `finished; nothing failed`, or which launches did.
    private static func run(_ story: LaunchStory) -> String {
        let state =
            switch story.runEnding {
            case .open, .resized: "not over"
            case .unseen: "cut off; dmd2 run goes on from the last checkpoint"
            case .finished: "finished"
            case .stopped: "stopped"
            case .failed: "failed"
            }
        let failed = story.failedLaunches.map(String.init)
        guard let first = failed.first else { return "\(state); nothing failed" }
        if story.runEnding == .unseen, failed.count == 1 { return state }
        let launches = failed.count == 1 ? "launch \(first)" : "launches \(failed.joined(separator: ", "))"
        return story.runEnding == .finished
            ? "\(state); recovered from the failure of \(launches)" : "\(state); \(launches) failed"
    }

    /// When a launch ended, and how if nothing failed in it.
    private static func ended(_ story: LaunchStory) -> String {
        switch story.ending {
        case .open: "not yet"
        case .unseen:
            "nobody saw it: the coordinator was killed with the launch, or this machine went down; last heard of "
                + (story.lastHeard ?? story.started)
        case .failed: story.ended ?? "unknown"
        case .finished, .stopped, .resized: [story.ended, story.cause].compactMap(\.self).joined(separator: ": ")
        }
    }

    /// `93.1% kept; launch 2.1 s, load 1.0 s`.
    static func goodput(_ ratio: Double, _ seconds: [String: Double]) -> String {
        let losses = split(seconds.filter { $0.key != TimeLedger.Activity.kept.rawValue })
        return String(format: "%.1f%% kept", 100 * ratio) + (losses.isEmpty ? "" : "; \(losses)")
    }

    private static func split(_ byActivity: [String: Double]) -> String {
        TimeLedger.Activity.allCases.compactMap { activity in
            byActivity[activity.rawValue].flatMap { $0 >= 0.05 ? "\(activity.rawValue) \(seconds($0))" : nil }
        }.joined(separator: ", ")
    }

    private static func seconds(_ value: Double) -> String { String(format: "%.1f s", value) }
}
