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
            guard let time = event.time else { continue }
            if let begun = current, begun.generation != event.generation { close(at: last ?? begun.since) }
            if event.kind == "stage_begun", let stage = event.particulars["stage"] {
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
}
