/// A launch that outlived its coordinator, as the journal tells it: what the next coordinator must know to go on with it.
package struct LiveLaunch: Sendable, Equatable {
    /// Its number.
    package var generation: Int
    /// Where its ranks run.
    package var placement: LaunchPlacement
    /// True if all ranks had said hello.
    package var isComplete = false
    /// The stage it is in; nil before its first.
    package var stage: StageDeclaration?
    /// The windows of that stage it was granted, in order.
    package var windows: [PlanWindow] = []
    /// The first step of that stage that no launch was granted.
    package var everGrantedEnd = 0
    /// The steps of that stage it has completed, as far as is known.
    package var step = 0
    /// Counts of steps at which people asked for a save.
    package var savesAsked: Set<Int> = []
    /// Set if the run was asked to stop.
    package var stopCause: Supervisor.StopCause?
    /// Set if the launch is to give way to one on other hosts.
    package var resizeReason: String?
    /// What the first rank said that failed.
    package var failure: Failure?
    /// True if all stages are complete.
    package var isFinished = false
    /// Restarts without progress up to this launch, and why the last one was needed.
    package var restartsUsed = 0
    package var lastCause: String?
    /// True once a step of it is done, and while it does what an earlier launch had done.
    package var hasWorked = false
    package var isRedoing = false

    /// A rank's own word about why it leaves.
    package struct Failure: Sendable, Equatable {
        package var exitCode: Int32
        package var reason: String

        /// Creates a report; see the properties for the meaning of each argument.
        package init(exitCode: Int32, reason: String) {
            self.exitCode = exitCode
            self.reason = reason
        }
    }

    /// A launch of which nothing more is known.
    package init(generation: Int, placement: LaunchPlacement) {
        self.generation = generation
        self.placement = placement
    }
}
