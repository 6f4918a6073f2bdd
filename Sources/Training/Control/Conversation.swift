package import Coordination

/// One rank's side of the control protocol, without socket or clock: what has to be sent, and what the answers mean.
/// Times are seconds on a monotonic clock.
package struct Conversation {
    /// A question without an answer is asked again after this time, and metrics without one are sent again, seconds.
    package static let patience = 2.0
    /// Between two heartbeats, and between two hellos that nobody answers, seconds.
    package static let heartbeatSeconds = 1.0

    /// How the coordinator answered a question.
    package enum Answer: Equatable {
        /// It has taken note.
        case done
        /// The window that was asked for.
        case window(PlanWindow)
        /// It cannot be had, for this reason.
        case failed(String)
    }

    private struct Question {
        var message: WorkerMessage
        var sentAt: Double?
    }

    private let hello: WorkerMessage
    private var isWelcome = false
    private var helloAt: Double?
    private var heartbeatAt: Double?
    private var questions: [Question] = []
    /// The questions that `noted` answers, as often as each was sent and in that order: the answer to one that was sent
    /// twice, because the first answer was late, must not count for the next.
    private var toBeNoted: [WorkerMessage] = []
    private var answers: [(question: WorkerMessage, answer: Answer)] = []
    private var heartbeatCount = 0
    /// Metrics on their way, by their heartbeat's number, oldest first.
    private var unanswered: [(number: Int, metrics: [MetricRow], sentAt: Double)] = []

    /// Progress since the last heartbeat, and metrics that have not arrived.
    package var ledger = ProgressLedger()
    /// When the coordinator was last heard.
    package private(set) var heardAt: Double
    /// Why this worker must leave at once; nil if it need not.
    package private(set) var supersession: String?
    /// True once nothing more is to be said.
    package private(set) var isClosed = false

    /// A conversation of a rank that introduces itself with this message.
    package init(hello: WorkerMessage, startingAt now: Double) {
        self.hello = hello
        heardAt = now
    }

    /// Ends the conversation; what has not been answered is given up.
    package mutating func close() { isClosed = true }

    /// Asks something. Metrics measured before the question are sent before it.
    package mutating func ask(_ message: WorkerMessage) {
        questions.append(Question(message: message))
        heartbeatAt = nil
    }

    /// Takes the answer to a question, once.
    package mutating func takeAnswer(to message: WorkerMessage) -> Answer? {
        guard let index = answers.firstIndex(where: { $0.question == message }) else { return nil }
        return answers.remove(at: index).answer
    }

    /// Answers a question for the coordinator, to whom it cannot be sent.
    package mutating func giveUp(_ message: WorkerMessage, reason: String) { settle(message, .failed(reason)) }

    /// Everything that should be sent now, in order. Until it is welcomed, a rank only says hello.
    package mutating func messagesToSend(at now: Double) -> [WorkerMessage] {
        guard isWelcome else {
            guard isDue(helloAt, every: Self.heartbeatSeconds, at: now) else { return [] }
            helloAt = now
            return [hello]
        }
        var messages: [WorkerMessage] = []
        if let oldest = unanswered.first, now - oldest.sentAt >= Self.patience { takeBackMetrics() }
        if ledger.isUrgent || isDue(heartbeatAt, every: Self.heartbeatSeconds, at: now) {
            repeat {
                messages.append(.heartbeat(heartbeat: nextHeartbeat(at: now)))
            } while !questions.isEmpty && ledger.hasMetrics
            heartbeatAt = now
        }
        for index in questions.indices where isDue(questions[index].sentAt, every: Self.patience, at: now) {
            questions[index].sentAt = now
            messages.append(questions[index].message)
            if questions[index].message.isNoted { toBeNoted.append(questions[index].message) }
        }
        return messages
    }

    /// The moment at which there is something to send if until then nothing is asked and nothing arrives, seconds. May
    /// have passed.
    package var nextDue: Double {
        guard isWelcome else { return helloAt.map { $0 + Self.heartbeatSeconds } ?? heardAt }
        let questionsDue = questions.map { $0.sentAt.map { $0 + Self.patience } ?? heardAt }
        let metricsDue = unanswered.first.map { [$0.sentAt + Self.patience] } ?? []
        let heartbeatDue = heartbeatAt.map { $0 + Self.heartbeatSeconds } ?? heardAt
        return (questionsDue + metricsDue).reduce(ledger.isUrgent ? heardAt : heartbeatDue, min)
    }

    /// Takes in a message from the coordinator.
    package mutating func receive(_ message: CoordinatorMessage, at now: Double) {
        heardAt = now
        switch message {
        case .welcome:
            // A coordinator that has just been started has not heard what was asked before.
            if !isWelcome {
                toBeNoted = []
                for index in questions.indices { questions[index].sentAt = nil }
                heartbeatAt = nil
            }
            isWelcome = true
        case .helloWanted:
            isWelcome = false
            helloAt = nil
            // A coordinator that has just been started has not taken them, and the one before it may not have.
            takeBackMetrics()
        case .heartbeatSeen(let number):
            unanswered.removeAll { $0.number == number }
        case .superseded(let reason):
            supersession = reason
        case .refused(let reason) where !isWelcome:
            supersession = reason
        case .refused(let reason):
            // Questions are answered in order, but for checkpoints, which are never refused.
            if let first = questions.first(where: { !$0.message.isCheckpoint }) {
                settle(first.message, .failed(reason))
            }
        case .stageBegun(let stage):
            settleFirst(.done) { if case .beginStage(let asked) = $0 { asked.name == stage } else { false } }
        case .plan(let window):
            settleFirst(.window(window)) {
                $0 == .planRequest(stage: window.stage, firstStep: window.firstStep)
            }
        case .checkpointCommitted(let stage, let step):
            settleFirst(.done) { $0.isCheckpoint(stage, step) }
        case .checkpointFailed(let stage, let step, let reason):
            settleFirst(.failed(reason)) { $0.isCheckpoint(stage, step) }
        case .noted:
            guard !toBeNoted.isEmpty else { return }
            let message = toBeNoted.removeFirst()
            settleFirst(.done) { $0 == message }
        }
    }

    private mutating func nextHeartbeat(at now: Double) -> Heartbeat {
        var heartbeat = ledger.takeHeartbeat(at: now)
        guard !heartbeat.metrics.isEmpty else { return heartbeat }
        heartbeatCount += 1
        heartbeat.number = heartbeatCount
        unanswered.append((heartbeatCount, heartbeat.metrics, now))
        return heartbeat
    }

    private mutating func takeBackMetrics() {
        ledger.putBack(unanswered.flatMap(\.metrics))
        unanswered = []
        heartbeatAt = nil
    }

    private func isDue(_ last: Double?, every seconds: Double, at now: Double) -> Bool {
        last.map { now - $0 >= seconds } ?? true
    }

    private mutating func settleFirst(_ answer: Answer, where matches: (WorkerMessage) -> Bool) {
        // An answer that fits no question is the second answer to one that was asked twice.
        guard let question = questions.first(where: { matches($0.message) }) else { return }
        settle(question.message, answer)
    }

    private mutating func settle(_ message: WorkerMessage, _ answer: Answer) {
        questions.removeAll { $0.message == message }
        answers.append((message, answer))
    }
}

extension WorkerMessage {
    /// True for what is answered by `noted`, which does not say what it answers.
    fileprivate var isNoted: Bool {
        switch self {
        case .notice, .checkpointDropped, .stageFinished, .finished, .failed: true
        case .hello, .heartbeat, .beginStage, .planRequest, .checkpointPrepared: false
        }
    }

    fileprivate var isCheckpoint: Bool { if case .checkpointPrepared = self { true } else { false } }

    fileprivate func isCheckpoint(_ stage: String, _ step: Int) -> Bool {
        guard case .checkpointPrepared(let checkpoint) = self else { return false }
        return checkpoint.stage == stage && checkpoint.step == step
    }
}
