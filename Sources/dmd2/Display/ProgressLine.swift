package import Coordination
import Foundation

/// A run's progress on one line.
package enum ProgressLine {
    /// The line for a log: `3/4 distil, step 812/2000, critic 0.123, 312 images/s, ETA 2m 10s`.
    package static func plain(_ status: RunStatus) -> String {
        guard let stage = status.stage else { return status.message }
        var parts = [
            "\(status.stageIndex + 1)/\(status.stageCount) \(stage)", "step \(status.step)/\(status.totalSteps)",
        ]
        parts += losses(status)
        parts += speed(status)
        return parts.joined(separator: ", ")
    }

    /// The line for a terminal, with a bar, at most `columns` wide.
    package static func bar(_ status: RunStatus, columns: Int) -> String {
        guard let stage = status.stage else { return String(status.message.prefix(columns)) }
        return bar(
            "[\(status.stageIndex + 1)/\(status.stageCount)] \(stage)", step: status.step, of: status.totalSteps,
            losses(status) + speed(status), columns: columns)
    }

    /// A line with a bar between what is done and how far it is, at most `columns` wide.
    package static func bar(
        _ title: String, step: Int, of total: Int, _ details: [String], columns: Int
    ) -> String {
        let fraction = total > 0 ? min(1, Double(step) / Double(total)) : 0
        let head = title + " "
        // The width of the number stays, so that the bar does not shrink as the number grows.
        let padding = String(repeating: " ", count: max(0, String(total).count - String(step).count))
        let text = ([" \(padding)\(step)/\(total)"] + details).joined(separator: "  ")
        let width = max(8, min(30, columns - head.count - text.count - 1))
        let filled = Int(fraction * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return String((head + bar + text).prefix(columns))
    }

    /// What is known of the speed: at the beginning of a stage nothing is.
    private static func speed(_ status: RunStatus) -> [String] {
        let images = status.imagesPerSecond > 0 ? ["\(Int(status.imagesPerSecond.rounded())) images/s"] : []
        return images + (status.etaSeconds.map { ["ETA \(durationText(seconds: $0))"] } ?? [])
    }

    private static func losses(_ status: RunStatus) -> [String] {
        status.losses.filter { $0.key.hasPrefix("loss.") }.sorted { $0.key < $1.key }
            .map { "\($0.key.dropFirst("loss.".count)) \(String(format: "%.3g", $0.value))" }
    }
}
