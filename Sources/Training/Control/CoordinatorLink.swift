package import Checkpoints
package import Communication
package import Coordination
import Foundation
package import Messaging

/// A rank's line to the coordinator. A thread of its own speaks for it, so heartbeats go on while the rank computes,
/// waits in a collective or writes a file.
///
/// If the coordinator vanishes, the rank runs on to the end of what it was granted, and then waits a minute for it or its
/// successor at the same endpoint. A request that has waited that long throws `coordinatorLost`.
package final class CoordinatorLink: ControlLink {
    /// Who this process is.
    package struct Identity: Sendable {
        /// The launch it belongs to.
        package var generation: Int
        /// Its MPI rank.
        package var rank: Int
        /// How many ranks there are.
        package var rankCount: Int

        /// Creates an identity; see the properties for the meaning of each argument.
        package init(generation: Int, rank: Int, rankCount: Int) {
            self.generation = generation
            self.rank = rank
            self.rankCount = rankCount
        }
    }

    /// How long a request waits for a coordinator that does not answer, seconds.
    package static let patienceSeconds = 60.0

    package let generation: Int
    private let endpoint: Endpoint
    private let conversation: Monitor<Conversation>
    /// Rung when there is something new to send.
    private let bell: Bell
    private let patienceSeconds: Double
    private var publishing: PreparedCheckpoint?

    /// Starts talking to a coordinator, with keys if it asks for them. Heartbeats say how many `collectives` the rank has
    /// entered. `onSupersession` is called, on the link's thread, when a later launch has begun: the rank may be stuck in a
    /// collective, so it should end the process.
    package init(
        connectingTo endpoint: String, keys: ClientKeys? = nil, as identity: Identity,
        counting collectives: CollectiveCounter = CollectiveCounter(),
        patienceSeconds: Double = patienceSeconds,
        onSupersession: @escaping @Sendable (String) -> Void
    ) throws(MessagingError) {
        self.endpoint = try Endpoint(endpoint)
        self.patienceSeconds = patienceSeconds
        generation = identity.generation
        let hello = WorkerMessage.hello(
            host: ProcessInfo.processInfo.hostName, pid: ProcessInfo.processInfo.processIdentifier,
            ranks: identity.rankCount)
        conversation = Monitor(Conversation(hello: hello, startingAt: monotonicSeconds()))
        bell = try Bell()
        let speaker = LinkThread(
            endpoint: self.endpoint, keys: keys, identity: identity, conversation: conversation, bell: bell,
            collectives: collectives, onSupersession: onSupersession)
        Thread.detachNewThread { speaker.run() }
    }

    deinit { close() }

    package func beginStage(_ stage: StageDeclaration) throws(ControlError) {
        _ = try request(.beginStage(stage: stage))
        ask(.planRequest(stage: stage.name, firstStep: stage.startStep))
    }

    package func window(stage: String, from step: Int) throws(ControlError) -> PlanWindow {
        let question = WorkerMessage.planRequest(stage: stage, firstStep: step)
        guard case .window(let window) = try answer(to: question) else {
            throw .refused(reason: "no window begins at step \(step) of \(stage)")
        }
        if !window.stopsAtEnd, !window.finishesStage {
            ask(.planRequest(stage: stage, firstStep: window.endStep))
        }
        return window
    }

    package func report(_ report: ProgressReport) {
        let isUrgent = conversation.withLock { conversation in
            conversation.ledger.add(report, at: monotonicSeconds())
            return conversation.ledger.isUrgent
        }
        if isUrgent { bell.ring() }
    }

    package func beginPublishing(_ draft: CheckpointDraft) throws(ControlError) {
        precondition(publishing == nil, "a second checkpoint is prepared before the first is published")
        let checkpoint = PreparedCheckpoint(draft)
        publishing = checkpoint
        ask(.checkpointPrepared(checkpoint: checkpoint))
    }

    package func hasPublished() throws(ControlError) -> Bool {
        guard let publishing else { return true }
        let answer = conversation.withLock { $0.takeAnswer(to: .checkpointPrepared(checkpoint: publishing)) }
        guard let answer else { return false }
        self.publishing = nil
        guard case .failed(let reason) = answer else { return true }
        throw .checkpointFailed(stage: publishing.stage, step: publishing.step, reason: reason)
    }

    package func awaitPublication() throws(ControlError) {
        guard let publishing else { return }
        do {
            _ = try answer(to: .checkpointPrepared(checkpoint: publishing))
            self.publishing = nil
        } catch .refused(let reason) {
            self.publishing = nil
            throw .checkpointFailed(stage: publishing.stage, step: publishing.step, reason: reason)
        }
    }

    package func checkpointDropped(_ stage: String, step: Int, reason: String) throws(ControlError) {
        _ = try request(.checkpointDropped(stage: stage, step: step, reason: reason))
    }

    package func notice(_ text: String) throws(ControlError) {
        _ = try request(.notice(text: Self.cut(text)))
    }

    package func stageFinished(_ stage: String, step: Int) throws(ControlError) {
        _ = try request(.stageFinished(stage: stage, step: step))
    }

    package func finished() throws(ControlError) {
        _ = try request(.finished)
        close()
    }

    package func failed(_ status: ExitStatus, reason: String) {
        let message = WorkerMessage.failed(exitCode: status.rawValue, reason: Self.cut(reason))
        ask(message)
        // Nothing can be done about a coordinator that does not hear this: mpirun's exit code tells it the rest.
        _ = conversation.wait(seconds: 1) { $0.takeAnswer(to: message) }
        close()
    }

    /// No more than the coordinator takes.
    private static func cut(_ text: String) -> String { String(text.prefix(WorkerMessage.maximumTextBytes / 16)) }

    private func request(_ message: WorkerMessage) throws(ControlError) -> Conversation.Answer {
        ask(message)
        return try answer(to: message)
    }

    private func ask(_ message: WorkerMessage) {
        conversation.withLock { $0.ask(message) }
        bell.ring()
    }

    private func close() {
        conversation.withLock { $0.close() }
        bell.ring()
    }

    private func answer(to message: WorkerMessage) throws(ControlError) -> Conversation.Answer {
        let waitingSince = monotonicSeconds()
        while true {
            let outcome = conversation.wait(seconds: 1) { conversation -> Result<Conversation.Answer, ControlError>? in
                if let reason = conversation.supersession { return .failure(.superseded(reason: reason)) }
                return conversation.takeAnswer(to: message).map { .success($0) }
            }
            if let outcome {
                guard case .failed(let reason) = try outcome.get() else { return try outcome.get() }
                throw .refused(reason: reason)
            }
            let heardAt = conversation.withLock(\.heardAt)
            let silence = monotonicSeconds() - max(heardAt, waitingSince)
            if silence > patienceSeconds {
                throw .coordinatorLost(endpoint: endpoint.description, seconds: Int(silence))
            }
        }
    }
}

/// The thread that owns a rank's socket. It sleeps until something arrives, is asked or is due: the cores belong to the
/// training.
private struct LinkThread: Sendable {
    /// For so long at most it waits for a connection before it looks whether one is still wanted.
    private static let connectionMilliseconds = 100

    let endpoint: Endpoint
    let keys: ClientKeys?
    let identity: CoordinatorLink.Identity
    let conversation: Monitor<Conversation>
    let bell: Bell
    let collectives: CollectiveCounter
    let onSupersession: @Sendable (String) -> Void

    func run() {
        do {
            let socket = try DealerSocket(Context(), connectingTo: endpoint, keys: keys)
            while try turn(socket) {}
        } catch {
            // Without a socket the link is as good as lost; the next request says so when its patience ends.
            StandardStream.error.write("control link of rank \(identity.rank): \(error)\n")
        }
    }

    /// Sends what is due and takes what has come. False when there is nothing more to say.
    private func turn(_ socket: borrowing DealerSocket) throws(MessagingError) -> Bool {
        if conversation.withLock(\.isClosed) { return false }
        guard try socket.isConnected(timeoutMilliseconds: Self.connectionMilliseconds) else { return true }
        for message in conversation.withLock({ $0.messagesToSend(at: monotonicSeconds()) }) {
            do {
                try socket.send(
                    ClientMessage.worker(
                        envelope: .init(
                            generation: identity.generation, rank: identity.rank, message: measured(message))))
            } catch .tooLarge(let bytes) {
                guard case .checkpointPrepared = message else { throw .tooLarge(bytes: bytes) }
                let reason =
                    "the list of its tensors has \(bytes) bytes, more than a message may have: use fewer "
                    + "distil.emaFurtherDecays or ranks"
                conversation.withLock { $0.giveUp(message, reason: reason) }
            }
        }
        do {
            let idleSeconds = conversation.withLock(\.nextDue) - monotonicSeconds()
            guard
                case .worker(let generation, let message)? = try socket.receive(
                    ServerMessage.self, orUntil: bell,
                    timeoutMilliseconds: Int((max(0, idleSeconds) * 1000).rounded(.up))),
                generation == identity.generation || message.isSupersession
            else { return true }
            let supersession = conversation.withLock { conversation in
                conversation.receive(message, at: monotonicSeconds())
                return conversation.supersession
            }
            if let supersession { onSupersession(supersession) }
        } catch .unreadable {
            // A peer that speaks another protocol is as good as silent.
        }
        return true
    }

    /// A heartbeat with what is known of the process at this moment; any other message as it is.
    private func measured(_ message: WorkerMessage) -> WorkerMessage {
        guard case .heartbeat(var heartbeat) = message else { return message }
        heartbeat.memory = ProcessMemory.now
        heartbeat.collectives = collectives.count
        return .heartbeat(heartbeat: heartbeat)
    }
}

extension CoordinatorMessage {
    /// True for the one message that a coordinator sends to a generation that is not its own.
    fileprivate var isSupersession: Bool { if case .superseded = self { true } else { false } }
}
