/// The time that a process has worked: a clock that leaves out what it spent stopped by a signal, or with its machine.
///
/// What others said meanwhile waits to be read, so their silence is no evidence against them. By this clock it is none.
package struct WorkingClock: Sendable {
    /// A longer pause between two readings is a standstill, seconds. Whoever works reads many times a second.
    package static let longestPause = 2.0

    /// All standstills so far, seconds.
    package private(set) var stoodStill = 0.0
    private var last: Double

    /// A clock that shows what the other one does, as long as nothing stands still.
    package init(startingAt now: Double) { last = now }

    /// The time, from what a clock shows that never stops. `standstill` is how long nothing was read before, if that was
    /// one, seconds.
    package mutating func read(_ now: Double) -> (now: Double, standstill: Double?) {
        let pause = now - last
        last = now
        guard pause > Self.longestPause else { return (now - stoodStill, nil) }
        stoodStill += pause
        return (now - stoodStill, pause)
    }
}
