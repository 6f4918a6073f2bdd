/// What a person's command asks of a running coordinator.
package enum ControlRequest: Codable, Equatable, Sendable {
    /// How is the run?
    case status
    /// Use this many critic updates per student update, from the first step not yet granted.
    case setRatio(ratio: Int)
    /// Save state at the next step not yet granted.
    case checkpointNow
    /// Finish the granted steps, save and end the run.
    case stop
}

/// The coordinator's answer to a command.
package enum ControlReply: Codable, Equatable, Sendable {
    /// Answer to `status`.
    case status(run: RunStatus)
    /// The request takes effect at this step of the current stage (nil: at once); the message is for a person.
    case accepted(step: Int?, message: String)
    /// The request changes nothing, for this reason.
    case refused(reason: String)
}

/// Everything the coordinator's socket accepts.
package enum ClientMessage: Codable, Equatable, Sendable {
    /// From a worker process.
    case worker(envelope: WorkerEnvelope)
    /// From a command.
    case control(request: ControlRequest)
}

/// Everything the coordinator's socket sends.
package enum ServerMessage: Codable, Equatable, Sendable {
    /// To a worker process of this generation.
    case worker(generation: Int, message: CoordinatorMessage)
    /// To a command.
    case control(reply: ControlReply)
    /// To whoever sent a message that could not be read.
    case unreadable(reason: String)
}
