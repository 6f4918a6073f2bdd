/// A run as `dmd2 status` shows it. Scripts read its JSON: keys are added, never renamed.
package struct RunStatus: Codable, Equatable, Sendable {
    /// Where a run is in its life.
    package enum State: String, Codable, Sendable, CaseIterable {
        /// The processes of a generation are starting.
        case launching
        /// All ranks are present.
        case running
        /// Asked to stop; granted steps are being completed and saved.
        case draining
        /// The processes of a failed generation are being ended.
        case reaping
        /// Granted steps are being completed and saved, for a launch with another number of ranks.
        case resizing
        /// A launch is due, and too few hosts are there.
        case waitingForHosts
        /// Waiting before the next generation is launched.
        case backingOff
        /// Every stage is complete, or the run was stopped on request.
        case done
        /// The run ended without reaching its goal.
        case failed
        /// Nothing runs, and stages are left: known from the journal, never from a coordinator.
        case interrupted
    }

    /// One rank of the current generation.
    package struct Rank: Codable, Equatable, Sendable {
        /// MPI rank.
        package var rank: Int
        /// Name of its machine.
        package var host: String
        /// Its process.
        package var pid: Int32
        /// Steps of the current stage it has completed.
        package var step: Int
        /// What it is doing.
        package var phase: Phase
        /// Time since its last sign of life, seconds.
        package var heartbeatAgeSeconds: Double
        /// True after three seconds of silence; a rank is given up for dead after ten.
        package var suspected: Bool
        /// The memory of its process; nil if it has not said.
        package var memory: MemoryUse?
    }

    /// The newest published checkpoint.
    package struct Checkpoint: Codable, Equatable, Sendable {
        /// Its stage.
        package var stage: String
        /// Its step.
        package var step: Int
        /// Time since it was published, seconds.
        package var ageSeconds: Double

        /// Creates a description; see the properties for the meaning of each argument.
        package init(stage: String, step: Int, ageSeconds: Double) {
            self.stage = stage
            self.step = step
            self.ageSeconds = ageSeconds
        }
    }

    /// Restarts after failures.
    package struct Restarts: Codable, Equatable, Sendable {
        /// Restarts since the last progress.
        package var used: Int
        /// How many of those are allowed.
        package var budget: Int
        /// Why the last generation ended; nil if none failed.
        package var lastCause: String?

        /// Creates a count; see the properties for the meaning of each argument.
        package init(used: Int, budget: Int, lastCause: String?) {
            self.used = used
            self.budget = budget
            self.lastCause = lastCause
        }
    }

    /// A change of ratio that lies ahead.
    package struct PendingRatio: Codable, Equatable, Sendable {
        /// Critic updates per student update.
        package var ratio: Int
        /// The first step it applies to.
        package var step: Int

        /// Creates a description; see the properties for the meaning of each argument.
        package init(ratio: Int, step: Int) {
            self.ratio = ratio
            self.step = step
        }
    }

    /// Version of this structure: 1.
    package var schemaVersion = 1
    /// Name of the run, `run.name`.
    package var run: String
    /// Where the run is in its life.
    package var state: State
    /// Number of the current launch, from 1.
    package var generation: Int
    /// The coordinator's process; 0 if none lives.
    package var pid: Int32
    /// The current stage; nil before the first.
    package var stage: String?
    /// Its place, from 0.
    package var stageIndex: Int
    /// How many stages there are; 0 before the first begins.
    package var stageCount: Int
    /// Completed steps of the stage.
    package var step: Int
    /// Steps the stage has in all.
    package var totalSteps: Int
    /// Updates of the student completed. This and what follows keep their last values in the stages after the
    /// distillation.
    package var studentUpdates: Int
    /// Updates of its critic completed.
    package var criticUpdates: Int
    /// Critic updates per student update; nil before the distillation.
    package var ratio: Int?
    /// A change of ratio that lies ahead.
    package var pendingRatio: PendingRatio?
    /// Images of the stage consumed per second by all ranks; 0 as long as that is unknown.
    package var imagesPerSecond: Double
    /// Time to the end of the stage at the current speed, seconds; nil if unknown.
    package var etaSeconds: Double?
    /// The latest value of every metric of the stage.
    package var losses: [String: Double]
    /// How the student fares; nil before its first update.
    package var health: StudentHealth?
    /// The ranks of the current generation that have reported.
    package var ranks: [Rank]
    /// The newest published checkpoint.
    package var checkpoint: Checkpoint?
    /// Why a later one could not be saved; nil if none failed since.
    package var checkpointProblem: String?
    /// Restarts after failures.
    package var restarts: Restarts
    /// How much of the time since the first launch was kept, and where the rest went; nil if unknown.
    package var goodput: Goodput?
    /// One line for a person: what is going on.
    package var message: String

    /// A run that has not begun a stage.
    package init(
        run: String, state: State, generation: Int, pid: Int32, restarts: Restarts, ranks: [Rank] = [],
        imagesPerSecond: Double = 0, message: String
    ) {
        self.run = run
        self.state = state
        self.generation = generation
        self.pid = pid
        self.imagesPerSecond = imagesPerSecond
        self.ranks = ranks
        self.restarts = restarts
        self.message = message
        (stageIndex, stageCount, step, totalSteps, studentUpdates, criticUpdates) = (0, 0, 0, 0, 0, 0)
        losses = [:]
    }
}

extension RunStatus {
    /// Says how far the distillation has come: its schedule, its completed steps and its student's health.
    package mutating func describeDistillation(_ ratios: RatioSchedule, step: Int, health: StudentHealth?) {
        studentUpdates = ratios.studentUpdates(before: step)
        criticUpdates = step
        ratio = ratios.ratio(at: step)
        if ratios.lastSegment.firstStep > step, ratios.lastSegment.ratio != ratio {
            pendingRatio = .init(ratio: ratios.lastSegment.ratio, step: ratios.lastSegment.firstStep)
        }
        self.health = health
    }
}

// What is unknown is written as null: scripts find every key in every status.
extension RunStatus {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(schemaVersion, forKey: .schemaVersion)
        try container.encode(run, forKey: .run)
        try container.encode(state, forKey: .state)
        try container.encode(generation, forKey: .generation)
        try container.encode(pid, forKey: .pid)
        try container.encode(stage, forKey: .stage)
        try container.encode(stageIndex, forKey: .stageIndex)
        try container.encode(stageCount, forKey: .stageCount)
        try container.encode(step, forKey: .step)
        try container.encode(totalSteps, forKey: .totalSteps)
        try container.encode(studentUpdates, forKey: .studentUpdates)
        try container.encode(criticUpdates, forKey: .criticUpdates)
        try container.encode(ratio, forKey: .ratio)
        try container.encode(pendingRatio, forKey: .pendingRatio)
        try container.encode(imagesPerSecond, forKey: .imagesPerSecond)
        try container.encode(etaSeconds, forKey: .etaSeconds)
        try container.encode(losses, forKey: .losses)
        try container.encode(health, forKey: .health)
        try container.encode(ranks, forKey: .ranks)
        try container.encode(checkpoint, forKey: .checkpoint)
        try container.encode(checkpointProblem, forKey: .checkpointProblem)
        try container.encode(restarts, forKey: .restarts)
        try container.encode(goodput, forKey: .goodput)
        try container.encode(message, forKey: .message)
    }
}

extension RunStatus.Rank {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rank, forKey: .rank)
        try container.encode(host, forKey: .host)
        try container.encode(pid, forKey: .pid)
        try container.encode(step, forKey: .step)
        try container.encode(phase, forKey: .phase)
        try container.encode(heartbeatAgeSeconds, forKey: .heartbeatAgeSeconds)
        try container.encode(suspected, forKey: .suspected)
        try container.encode(memory, forKey: .memory)
    }
}

extension RunStatus.Restarts {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(used, forKey: .used)
        try container.encode(budget, forKey: .budget)
        try container.encode(lastCause, forKey: .lastCause)
    }
}
