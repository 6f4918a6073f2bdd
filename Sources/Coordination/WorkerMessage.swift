/// What a worker process says to the coordinator, with the identity that fences off older generations.
package struct WorkerEnvelope: Codable, Equatable, Sendable {
    /// The launch the worker belongs to; messages of any other generation are refused.
    package var generation: Int
    /// The worker's MPI rank.
    package var rank: Int
    /// What it says.
    package var message: WorkerMessage

    /// Creates an envelope; see the properties for the meaning of each argument.
    package init(generation: Int, rank: Int, message: WorkerMessage) {
        self.generation = generation
        self.rank = rank
        self.message = message
    }
}

/// The worker's side of the control protocol. Every message may arrive twice.
package enum WorkerMessage: Codable, Equatable, Sendable {
    /// First message of a process, repeated until it is welcomed, and again when a new coordinator asks for it.
    case hello(host: String, pid: Int32, ranks: Int)
    /// Once per second from every rank.
    case heartbeat(heartbeat: Heartbeat)
    /// Rank 0 enters a stage.
    case beginStage(stage: StageDeclaration)
    /// Rank 0 asks for the window that begins at this step.
    case planRequest(stage: String, firstStep: Int)
    /// Rank 0: every rank's shards of this checkpoint are on disk.
    case checkpointPrepared(checkpoint: PreparedCheckpoint)
    /// Rank 0: the checkpoint after this many steps is given up before it was prepared; training goes on.
    case checkpointDropped(stage: String, step: Int, reason: String)
    /// Rank 0: something a person should know of, in one line.
    case notice(text: String)
    /// Rank 0: the stage is complete after this many steps.
    case stageFinished(stage: String, step: Int)
    /// Rank 0: every stage is complete.
    case finished
    /// This rank is about to leave for this reason.
    case failed(exitCode: Int32, reason: String)
}

/// The coordinator's answer to a worker.
package enum CoordinatorMessage: Codable, Equatable, Sendable {
    /// Answer to hello.
    case welcome
    /// The worker's generation is over: it must leave at once.
    case superseded(reason: String)
    /// What the worker asked for cannot be had.
    case refused(reason: String)
    /// The coordinator does not know this rank (it has been restarted): say hello again.
    case helloWanted
    /// Answer to a heartbeat, so that the worker knows the coordinator lives. With the heartbeat's number: its metrics
    /// are in the journal.
    case heartbeatSeen(number: Int?)
    /// Answer to beginStage.
    case stageBegun(stage: String)
    /// Answer to a plan request.
    case plan(window: PlanWindow)
    /// The checkpoint is published.
    case checkpointCommitted(stage: String, step: Int)
    /// The checkpoint could not be published; training goes on without it.
    case checkpointFailed(stage: String, step: Int, reason: String)
    /// Answer to checkpointDropped, notice, stageFinished, finished and failed.
    case noted
}

/// What a rank is doing; each phase has its own limit for standing still.
package enum Phase: String, Codable, Sendable, CaseIterable {
    /// Reading data, building networks, loading a checkpoint.
    case starting
    /// Running steps.
    case training
    /// Writing a checkpoint.
    case saving
    /// Sampling and measuring.
    case evaluating
}

/// A rank's progress, sent once per second.
package struct Heartbeat: Codable, Equatable, Sendable {
    /// The stage the rank is in; empty before the first.
    package var stage: String
    /// Steps of the stage completed.
    package var step: Int
    /// Steps the stage has in all, as the rank knows it.
    package var totalSteps: Int
    /// What the rank is doing.
    package var phase: Phase
    /// Grows whenever the rank gets anything done. Flat for long means hung.
    package var progressCounter: Int
    /// Operations of the group that the rank has entered; all ranks enter the same ones in the same order.
    package var collectives: Int
    /// Duration of the longest step of the stage so far, seconds.
    package var slowestStepSeconds: Double
    /// Completed steps per second, over the last seconds.
    package var stepsPerSecond: Double
    /// Images consumed per second by all ranks together, over the last seconds.
    package var imagesPerSecond: Double
    /// Metrics that no answered heartbeat has carried, oldest first. Only rank 0 sends them.
    @MetricColumns package var metrics: [MetricRow]
    /// What the answer names once the metrics are in the journal; nil for a heartbeat without. Until then they are the
    /// worker's to keep: a coordinator can die with them unread.
    package var number: Int?
    /// The memory of the process; nil if nobody looked.
    package var memory: MemoryUse?

    /// Creates a heartbeat; see the properties for the meaning of each argument.
    package init(
        stage: String = "", step: Int = 0, totalSteps: Int = 0, phase: Phase = .starting, progressCounter: Int = 0,
        collectives: Int = 0, slowestStepSeconds: Double = 0, stepsPerSecond: Double = 0, imagesPerSecond: Double = 0,
        metrics: [MetricRow] = [], number: Int? = nil, memory: MemoryUse? = nil
    ) {
        self.stage = stage
        self.step = step
        self.totalSteps = totalSteps
        self.phase = phase
        self.progressCounter = progressCounter
        self.collectives = collectives
        self.slowestStepSeconds = slowestStepSeconds
        self.stepsPerSecond = stepsPerSecond
        self.imagesPerSecond = imagesPerSecond
        self.metrics = metrics
        self.number = number
        self.memory = memory
    }
}

/// One value measured at one step.
package struct MetricRow: Equatable, Sendable {
    /// The stage it was measured in.
    package var stage: String
    /// The step it was measured at, counted from 0.
    package var step: Int
    /// The metric's name, such as `loss.critic`.
    package var name: String
    /// Its value; may be infinite or not a number.
    package var value: Double

    /// Creates a row; see the properties for the meaning of each argument.
    package init(stage: String, step: Int, name: String, value: Double) {
        self.stage = stage
        self.step = step
        self.name = name
        self.value = value
    }
}

extension MetricRow {
    /// The metric that says for how many seconds a save held the steps up.
    package static let stallSeconds = "checkpoint.stall_seconds"
}

/// A checkpoint whose files are written but which does not exist yet: publishing it is the coordinator's part.
package struct PreparedCheckpoint: Codable, Equatable, Sendable {
    /// The stage the state belongs to.
    package var stage: String
    /// Completed steps of the stage.
    package var step: Int
    /// True if the files stay on the machines of the ranks.
    package var isOnNodes: Bool
    /// What the publisher needs to know about the files. The state machines pass it on unread.
    package var content: String

    /// Creates a record; see the properties for the meaning of each argument.
    package init(stage: String, step: Int, isOnNodes: Bool = false, content: String) {
        self.stage = stage
        self.step = step
        self.isOnNodes = isOnNodes
        self.content = content
    }
}
