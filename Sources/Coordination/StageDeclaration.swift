/// What rank 0 tells the scheduler when it enters a stage.
package struct StageDeclaration: Codable, Equatable, Sendable {
    /// When a stage is complete.
    package enum Goal: Codable, Equatable, Sendable {
        /// After this many steps of kind `single`.
        case steps(count: Int)
        /// After this many pieces of work that train nothing: no windows are granted for them, and there is no state to
        /// save.
        case tasks(count: Int)
        /// When the cycle of the last of this many student updates is complete. `ratio` is the number of critic updates
        /// per student update at the start of the run; before the first student update the critic is updated
        /// `criticWarmup` times; `control` sets the ratio from then on, nil leaves that to people.
        case studentUpdates(count: Int, ratio: Int, criticWarmup: Int = 0, control: RatioControl? = nil)
    }

    /// The stage's name.
    package var name: String
    /// Its place among the run's stages, from 0.
    package var index: Int
    /// How many stages the run has.
    package var count: Int
    /// When it is complete.
    package var goal: Goal
    /// Completed steps at which this process starts: 0, or the step of the checkpoint it loaded.
    package var startStep: Int
    /// State is saved whenever the number of completed steps is a multiple of this; 0: only at the end.
    package var checkpointInterval: Int
    /// The share of the time for which saves may hold the steps up: saves that cost more are further apart. 0: no limit.
    package var maximumStallShare: Double
    /// The longest window to grant, in steps.
    package var windowSteps: Int
    /// End the stage early, after this many steps; nil: run to the goal.
    package var stopAfter: Int?
    /// Images a step consumes, and images an epoch has: step `n` consumes the samples from `n * batch` on of an endless
    /// sequence that visits each image once an epoch. 0: the stage consumes none.
    package var batch: Int
    package var epochSamples: Int

    /// Creates a declaration; see the properties for the meaning of each argument.
    package init(
        name: String, index: Int, count: Int, goal: Goal, startStep: Int = 0, checkpointInterval: Int,
        maximumStallShare: Double = 0, windowSteps: Int, stopAfter: Int? = nil, batch: Int = 0, epochSamples: Int = 0
    ) {
        self.name = name
        self.index = index
        self.count = count
        self.goal = goal
        self.startStep = startStep
        self.checkpointInterval = checkpointInterval
        self.maximumStallShare = maximumStallShare
        self.windowSteps = windowSteps
        self.stopAfter = stopAfter
        self.batch = batch
        self.epochSamples = epochSamples
    }
}
