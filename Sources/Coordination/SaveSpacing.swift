/// After which steps of a stage its state is saved: at multiples of the declared interval, and where a save holds the
/// steps up for long, at every second, third, … of these only.
///
/// What a save costs is measured: the seconds for which the last one held the steps up. The saves are then so far apart
/// that these seconds are at most the allowed share of the time between two. What is saved changes no bit of the
/// training, so this decision, unlike that of the ratio, may depend on clocks.
package struct SaveSpacing: Codable, Equatable, Sendable {
    /// No save is put off for longer than this many intervals: what is not saved is lost with a rank.
    static let largestMultiple = 100

    /// How far apart saves are from now on, and why.
    package struct Decision: Equatable, Sendable {
        /// Steps between two saves, and before this decision.
        package var interval: Int, before: Int
        /// For how long the last save held the steps up, seconds, and how fast these are.
        package var stallSeconds: Double, stepsPerSecond: Double
    }

    private let declaredInterval: Int
    private let maximumStallShare: Double
    private var multiple = 1
    /// Of a save that nothing has been decided from.
    private var stallSeconds: Double?

    /// Saves at multiples of an interval of steps, 0 for none; a share of 0 sets no limit to what they cost.
    init(interval: Int, maximumStallShare: Double) {
        (declaredInterval, self.maximumStallShare) = (interval, maximumStallShare)
    }

    /// Steps between two saves; 0: there are none.
    var interval: Int { declaredInterval * multiple }

    /// True if state is saved after so many steps of the stage.
    func isDue(after completedSteps: Int) -> Bool { interval > 0 && completedSteps.isMultiple(of: interval) }

    /// A save held the steps up for so long, seconds.
    mutating func note(stallSeconds: Double) { self.stallSeconds = stallSeconds }

    /// Decides from the last save, once, at the speed last reported; nil if nothing changes.
    mutating func decide(stepsPerSecond: Double) -> Decision? {
        guard interval > 0, maximumStallShare > 0, let stallSeconds, stallSeconds.isFinite, stepsPerSecond > 0 else {
            return nil
        }
        self.stallSeconds = nil
        let before = interval
        let needed = stallSeconds / maximumStallShare * stepsPerSecond / Double(declaredInterval)
        multiple = Int(min(max(1, needed.rounded(.up)), Double(Self.largestMultiple)))
        guard interval != before else { return nil }
        return Decision(interval: interval, before: before, stallSeconds: stallSeconds, stepsPerSecond: stepsPerSecond)
    }
}
