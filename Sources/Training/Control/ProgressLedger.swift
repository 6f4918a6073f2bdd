import Coordination

/// Adds up a rank's reports between two heartbeats. Times are seconds on a monotonic clock.
package struct ProgressLedger {
    /// More rows than this wait for the next heartbeat, so no message exceeds the limit.
    static let maximumRows = 2000

    private var heartbeat = Heartbeat()
    private var images = 0
    private var lastReportAt: Double?
    private var samples: [Sample] = []

    /// What was done by a moment in the current stage.
    private struct Sample {
        var at: Double
        var step: Int
        var images: Int
    }

    /// True if what was reported should not wait: the process has done its first work.
    var isUrgent: Bool { hasWorked && !hasToldOfWork }
    private var hasWorked = false
    private var hasToldOfWork = false

    /// True if metrics wait that no heartbeat has carried.
    var hasMetrics: Bool { !heartbeat.metrics.isEmpty }

    /// Completed steps per second, as the last heartbeat stated.
    var stepsPerSecond: Double { heartbeat.stepsPerSecond }

    /// Takes in a report.
    package mutating func add(_ report: ProgressReport, at now: Double) {
        if report.stage != heartbeat.stage { beginStage(report.stage) }
        if report.step > heartbeat.step, let lastReportAt, heartbeat.phase == .training {
            heartbeat.slowestStepSeconds = max(heartbeat.slowestStepSeconds, now - lastReportAt)
        }
        // Steps that a checkpoint brought were not done here and now, and say nothing about the speed.
        if report.step > heartbeat.step + 1 { samples = [] }
        lastReportAt = now
        if report.phase == .training || report.phase == .evaluating { hasWorked = true }
        images += report.images
        heartbeat.step = report.step
        heartbeat.totalSteps = report.totalSteps
        heartbeat.phase = report.phase
        heartbeat.progressCounter += 1
        let step = max(0, report.step - 1)
        heartbeat.metrics += report.metrics.map {
            MetricRow(stage: report.stage, step: step, name: $0.name, value: $0.value)
        }
    }

    /// Metrics that did not arrive: the next heartbeat carries them, before what was measured since.
    mutating func putBack(_ metrics: [MetricRow]) { heartbeat.metrics.insert(contentsOf: metrics, at: 0) }

    /// The heartbeat to send now. Metrics it carries are not carried again, unless they are put back.
    mutating func takeHeartbeat(at now: Double) -> Heartbeat {
        measureSpeed(at: now)
        hasToldOfWork = hasWorked
        var taken = heartbeat
        taken.metrics = Array(heartbeat.metrics.prefix(Self.maximumRows))
        heartbeat.metrics.removeFirst(taken.metrics.count)
        return taken
    }

    private mutating func beginStage(_ stage: String) {
        heartbeat.stage = stage
        heartbeat.step = 0
        heartbeat.slowestStepSeconds = 0
        heartbeat.stepsPerSecond = 0
        heartbeat.imagesPerSecond = 0
        images = 0
        lastReportAt = nil
        samples = []
    }

    /// Speed over the last five seconds or so.
    private mutating func measureSpeed(at now: Double) {
        guard heartbeat.progressCounter > 0 else { return }
        samples.append(Sample(at: now, step: heartbeat.step, images: images))
        while samples.count > 2, now - samples[1].at > 5 { samples.removeFirst() }
        guard let first = samples.first, now - first.at > 0.1 else { return }
        heartbeat.stepsPerSecond = max(0, Double(heartbeat.step - first.step) / (now - first.at))
        heartbeat.imagesPerSecond = Double(images - first.images) / (now - first.at)
    }
}
