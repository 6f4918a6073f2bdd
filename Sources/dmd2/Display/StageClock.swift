/// Measures how long each stage lasts by when it is first and last seen.
package struct StageClock: Sendable {
    private var starts: [(stage: String, instant: ContinuousClock.Instant)] = []
    private var end: ContinuousClock.Instant?

    /// A clock that has seen no stage.
    package init() {}

    /// Notes that the run is in `stage`.
    package mutating func observe(stage: String, at instant: ContinuousClock.Instant) {
        if starts.last?.stage != stage { starts.append((stage, instant)) }
    }

    /// Notes that the run is over.
    package mutating func end(at instant: ContinuousClock.Instant) {
        end = instant
    }

    /// Seconds per stage, in order; the last stage counts only once the run is over.
    package var stageSeconds: [(stage: String, seconds: Double)] {
        let ends = starts.dropFirst().map(\.instant) + (end.map { [$0] } ?? [])
        return zip(starts, ends).map { ($0.stage, ($1 - $0.instant) / .seconds(1)) }
    }
}
