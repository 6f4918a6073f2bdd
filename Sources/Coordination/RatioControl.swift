/// The closed loop of `distil.ratio: auto`: the smallest ratio at which the critic keeps up with the student and the
/// brightness of its images stays calm, the rule that Yin et al. 2024 (appendix C) give in words.
///
/// Steps are cut into periods. The next period's ratio is decided from the last student updates up to the end of a
/// period's first part, while the rest of the period lets the metrics travel. So a decision is a function of step-indexed
/// metrics, which have the same bits at any number of ranks, and takes effect at a step that no window reaches before it
/// is made: heartbeats, window lengths and restarts cannot change it. All updates looked at were made at the ratio in
/// force, so a decision never sees what the ratio before has caused only.
package struct RatioControl: Codable, Equatable, Sendable {
    /// Images of a student update: the brightness of a batch has this many times less variance than that of an image.
    package var batch: Int

    /// Creates the loop for batches of this size.
    package init(batch: Int) {
        precondition(batch >= 1, "RatioControl: batches of \(batch)")
        self.batch = batch
    }

    /// Steps of a period, and of its first part.
    static let periodSteps = 48
    static let measuredSteps = 32
    /// The longest window: one that ends with a period begins after its measured part.
    static let longestWindow = periodSteps - measuredSteps

    /// The ratios it chooses among.
    static let ladder = [1, 2, 3, 5, 7, 10]

    /// Critic lag above which the ratio is raised, and below which it may be lowered.
    static let raisingLag = 0.0
    static let loweringLag = -0.1
    /// Swing of the brightness above which the ratio is raised, if that of the period before was above it as well, and below
    /// which it may be lowered: see `Evidence.swing`. Chance alone brings one period's as far as 8.
    static let raisingSwing = 7.0
    /// Above this the ratio is raised at once, and by two rungs: a student that runs away is not followed one rung a period.
    static let leapingSwing = 9.0
    static let loweringSwing = 2.0
    /// No more updates than this are looked at, and fewer than that say nothing about a swing: at high ratios a period has
    /// three or four, of which chance alone makes any swing.
    static let updatesLookedAt = 16
    static let fewestUpdatesForSwing = 8
    /// A ratio is lowered only after it has held for this many periods: raising is for trouble, lowering can wait.
    static let periodsBeforeLowering = 3

    /// What a decision rests on.
    package struct Evidence: Equatable, Sendable {
        /// Student updates measured, and the first and last of the steps that were looked at.
        package var updates: Int
        package var firstStep: Int, lastStep: Int
        /// How much worse, relatively, the critic denoises the student's images than the teacher does. A critic that
        /// keeps up has learnt from such images and is below 0; nil without an update.
        package var lag: Double?
        /// Standard deviation of the batches' brightness about its straight trend, in units of what drawing batches
        /// alone makes, so 1 where the student stands still: the digits show 14 to 16 at ratio 1 and 4 to 6 at ratio 3
        /// before their learning rates fall, and 1 to 2 at the end. Nil for fewer than `fewestUpdatesForSwing` updates.
        package var swing: Double?
        /// The same one period earlier; nil too if the ratio was another then.
        package var earlierSwing: Double?
    }

    /// The ratio from a step on, and why.
    package struct Decision: Equatable, Sendable {
        package var firstStep: Int
        package var from: Int, to: Int
        package var reason: String
        package var evidence: Evidence
    }

    /// The first step whose ratio is not decided, by the segments so far: each decision, also one that changes nothing,
    /// is a segment.
    func undecidedStep(_ ratios: RatioSchedule) -> Int {
        let last = ratios.lastSegment
        // The critic's warm-up has no student update to measure, so the first period follows it.
        return (last.firstStep == 0 ? last.anchorStep : last.firstStep) + Self.periodSteps
    }

    /// Decides the ratio of the period that begins at the first undecided step; nil while a measurement is missing that
    /// is still to come. What lies before `startStep`, where this process began, and is not known, will not come.
    func decision(_ ratios: RatioSchedule, _ history: StudentHistory, startStep: Int) -> Decision? {
        let step = undecidedStep(ratios)
        let current = ratios.lastSegment.ratio
        let held = ratios.segments.reversed().prefix { $0.ratio == current }
        let end = step - Self.longestWindow
        let heldSince = held.last?.firstStep ?? 0
        func studentSteps(until end: Int) -> [Int] {
            guard heldSince < end else { return [] }
            // At one ratio updates are that many steps apart, so no earlier step is among the last ones.
            let looked = max(heldSince, end - Self.updatesLookedAt * current)..<end
            return looked.filter { ratios.kind(of: $0) == .criticAndStudent }.suffix(Self.updatesLookedAt)
        }
        func isMeasured(_ step: Int) -> Bool { history[step: step]?.has(Self.needed) == true }
        let steps = studentSteps(until: end)
        guard steps.allSatisfy({ isMeasured($0) || $0 < startStep }) else { return nil }
        let measured = steps.filter(isMeasured)
        let updates = measured.compactMap { history[step: $0] }
        let earlier = studentSteps(until: end - Self.periodSteps).filter(isMeasured).compactMap { history[step: $0] }
        let evidence = Evidence(
            updates: updates.count, firstStep: measured.first ?? end - 1, lastStep: end - 1, lag: CriticLag.of(updates),
            swing: swing(updates), earlierSwing: swing(earlier))
        let (to, reason) = choose(current, evidence, heldFor: held.count)
        return Decision(firstStep: step, from: current, to: to, reason: reason, evidence: evidence)
    }

    private static let needed: [StudentMetric] = [.criticError, .teacherError, .brightness, .brightnessSquare]

    private func choose(_ current: Int, _ evidence: Evidence, heldFor periods: Int) -> (ratio: Int, reason: String) {
        let lower = Self.ladder.last { $0 < current } ?? current
        guard let lag = evidence.lag else { return (current, "nothing measured") }
        if lag > Self.raisingLag { return (Self.rung(1, above: current), "the critic lags") }
        if let swing = evidence.swing, swing > Self.leapingSwing {
            return (Self.rung(2, above: current), "brightness oscillates")
        }
        if let swing = evidence.swing, let earlier = evidence.earlierSwing, min(swing, earlier) > Self.raisingSwing {
            return (Self.rung(1, above: current), "brightness oscillates")
        }
        if lag < Self.loweringLag, evidence.swing ?? 0 < Self.loweringSwing, lower < current,
            periods >= Self.periodsBeforeLowering
        {
            return (lower, "the critic is ahead")
        }
        return (current, "the critic keeps up")
    }

    /// The ratio so many rungs above another, or the highest.
    private static func rung(_ count: Int, above ratio: Int) -> Int {
        ladder.filter { $0 > ratio }.prefix(count).last ?? ratio
    }

    /// `Evidence.swing` of some updates.
    private func swing(_ updates: [StudentHistory.Update]) -> Double? {
        guard updates.count >= Self.fewestUpdatesForSwing else { return nil }
        let brightness = updates.compactMap { $0[.brightness] }
        let square = updates.compactMap { $0[.brightnessSquare] }
        let spreads = zip(square, brightness).map { square, mean in square - mean * mean }
        let spread = spreads.reduce(0, +) / Double(updates.count)
        let expected = max(spread, 1e-12) / Double(batch)
        return (Self.varianceAboutTrend(brightness) / expected).squareRoot()
    }

    /// Variance of equally spaced values about their least-squares line.
    static func varianceAboutTrend(_ values: [Double]) -> Double {
        let count = Double(values.count)
        precondition(values.count > 2, "RatioControl: a trend of \(values.count) values")
        let centre = (count - 1) / 2
        let mean = values.reduce(0, +) / count
        let positions = values.indices.map { Double($0) - centre }
        let covariance = zip(positions, values).reduce(0.0) { $0 + $1.0 * ($1.1 - mean) }
        let slope = covariance / positions.reduce(0.0) { $0 + $1 * $1 }
        let residuals = zip(positions, values).map { position, value in value - mean - slope * position }
        return residuals.reduce(0.0) { $0 + $1 * $1 } / (count - 2)
    }
}

/// How far the critic is behind the student.
package enum CriticLag {
    /// (critic's error) / (teacher's error) - 1 on the student's images, over these updates; nil without one.
    ///
    /// Both denoise the same fresh images with the same noise, so most of the chance cancels. The teacher is the natural
    /// yardstick: it has never seen the student's images, so a critic that denoises them worse still follows an older
    /// student, and the matching gradient points away from it.
    package static func of(_ updates: [StudentHistory.Update]) -> Double? {
        let critic = updates.compactMap { $0[.criticError] }.reduce(0, +)
        let teacher = updates.compactMap { $0[.teacherError] }.reduce(0, +)
        return teacher > 0 ? critic / teacher - 1 : nil
    }
}
