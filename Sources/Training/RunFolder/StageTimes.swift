import Foundation
package import Journal

/// How long each stage has lasted, over all launches of a run, as the journal tells.
package enum StageTimes {
    /// Seconds per stage, in the order in which they were first begun.
    ///
    /// In each launch a stage lasts from its beginning to its end, or to the launch's last event where it has none.
    package static func seconds(_ events: [EventRecord]) -> [(stage: String, seconds: Double)] {
        var order: [String] = []
        var total: [String: Double] = [:]
        var current: (stage: String, generation: Int, since: Date)?
        func close(at time: Date) {
            guard let begun = current else { return }
            total[begun.stage, default: 0] += time.timeIntervalSince(begun.since)
            current = nil
        }
        var last: Date?
        for event in events {
            guard let time = date(event.timeUTC) else { continue }
            if let begun = current, begun.generation != event.generation { close(at: last ?? begun.since) }
            if event.kind == "stage_begun", let stage = stage(of: event) {
                close(at: time)
                if !order.contains(stage) { order.append(stage) }
                current = (stage, event.generation, time)
            } else if event.kind == "stage_finished" {
                close(at: time)
            }
            last = time
        }
        if let last { close(at: last) }
        return order.map { ($0, total[$0] ?? 0) }
    }

    private static func stage(of event: EventRecord) -> String? {
        try? JSONDecoder().decode([String: String].self, from: Data(event.detail.utf8))["stage"]
    }

    private static func date(_ text: String) -> Date? {
        try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
