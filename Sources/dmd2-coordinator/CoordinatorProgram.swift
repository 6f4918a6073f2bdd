import Checkpoints
import Coordination
import Foundation
import Journal
import Logging
import Messaging
import Training

/// Carries out what `Coordination.Coordinator` decides. One thread, the caller's, owns the socket, the journal and
/// the state machines; processes and checkpoints report to it through the inbox.
struct CoordinatorProgram: ~Copyable {
    private let folder: OwnedRunFolder
    private var journal: PatientJournal
    private let logger: Logger
    private let socket: RouterSocket
    private let endpoint: String
    private let keys: String?
    private let server: StatusServer?
    private let processes: WorkerProcesses
    private let hosts: HostDiscovery?
    private let firstEvent: Coordinator.Event
    private let inbox: Inbox
    private let retention = RetentionThread()
    private var coordinator: Coordinator
    private var rankZero: RouterSocket.Peer?
    private var outcome: (ExitStatus, String)?
    private var complaints = Complaints()
    private var counters = RunCounters()
    private var clock: WorkingClock
    private var observedAt = -Double.infinity
    private var shownStatus: (frames: [[UInt8]], atSeconds: Double)?

    /// For so long a status that was sent is sent again as it is: writing JSON is the dearest part of an answer, and the
    /// cores belong to the training.
    private static let statusLifeSeconds = 0.1

    /// For so long at most the loop waits for a message or an event; the end of a process and a signal wait as long.
    private static let idleMilliseconds = 100

    /// Between two looks at the run for the HTTP pages.
    private static let observationSeconds = 0.5

    /// Opens the journal and takes over, or ends, what a coordinator that was killed may have left running; a launch that
    /// was asked to stop is taken over only if this coordinator replaces that one (`finishesStop`).
    init(
        configuration: RunConfiguration, hosts: HostDiscovery?, folder: OwnedRunFolder, launch: LaunchPlan,
        socket: consuming RouterSocket, server: StatusServer?, finishesStop: Bool
    ) throws {
        let journal = try Journal.writing(path: folder.layout.journal)
        let inbox = try Inbox()
        let endpoint = configuration.coordinator.reached(bound: socket.endpoint).description
        let processes = WorkerProcesses(plan: launch, endpoint: endpoint, layout: folder.layout, inbox: inbox)
        let earlier = try EarlierLaunch.adoptable(
            in: folder.layout, reachedAt: endpoint, plan: launch, journal: journal, finishesStop: finishesStop)
        var history = try journal.history()
        // Launches that a journal which was moved away knew of: none may write where they did.
        history.lastGeneration = max(history.lastGeneration, folder.layout.lastLoggedGeneration)
        let coordinator = try Self.coordinator(
            configuration, hosts: try hosts?.find(), history: history,
            resuming: try earlier.map { try journal.liveLaunch($0.order.generation, on: $0.order.placement) })
        if let earlier { processes.adopt(earlier) }
        logger = try FileLog.logger(path: folder.layout.coordinatorLog)
        hosts?.watch(inbox)
        self.hosts = hosts
        firstEvent = earlier == nil ? .started : .resumed
        // Commands may be given in another folder.
        keys = configuration.coordinator.keyFolder.map { URL(fileURLWithPath: $0.path).path }
        self.endpoint = endpoint
        self.server = server
        self.processes = processes
        self.folder = folder
        self.journal = PatientJournal(journal)
        self.inbox = inbox
        self.socket = socket
        self.coordinator = coordinator
        clock = WorkingClock(startingAt: monotonicSeconds())
    }

    private static func coordinator(
        _ configuration: RunConfiguration, hosts: [HostSlots]?, history: Coordinator.History, resuming: LiveLaunch?
    ) throws -> Coordinator {
        let launch = configuration.launch
        let pool =
            hosts.map {
                HostPool(
                    $0,
                    policy: .init(
                        minRanks: launch.minRanks, maxRanks: launch.ranks, growAfterSeconds: launch.growAfterSeconds))
            } ?? HostPool(ranksHere: launch.ranks)
        let budget = configuration.coordinator.maxRestartsWithoutProgress
        let name = configuration.run.name
        guard let resuming else {
            return Coordinator(
                runName: name, pid: getpid(), hosts: pool, ownHosts: ThisMachine.names, restartBudget: budget,
                history: history)
        }
        return Coordinator(
            runName: name, pid: getpid(), hosts: pool, ownHosts: ThisMachine.names, restartBudget: budget,
            history: history, resuming: resuming, at: monotonicSeconds())
    }

    /// Runs until the run is over, and says how it went.
    consuming func run() throws -> (ExitStatus, String) {
        TerminationSignals.startCounting()
        var signalsSeen = 0
        try handle(firstEvent, from: nil)
        // A run that waits for hosts can be asked, and stopped, too.
        announceAddress()
        while true {
            if processes.look(at: monotonicSeconds()) { announceAddress() }
            for event in inbox.take() { try handle(event, from: nil) }
            while signalsSeen < TerminationSignals.count {
                signalsSeen += 1
                try handle(.stopSignal, from: nil)
            }
            try handle(.tick, from: nil)
            observe()
            if let outcome {
                try? FileManager.default.removeItem(atPath: folder.layout.coordinatorAddress)
                hosts?.stop()
                announceWeights()
                retention.finish()
                return outcome
            }
            try receive()
        }
    }

    /// Waits a moment for a message and handles all that are there.
    private mutating func receive() throws {
        var timeoutMilliseconds = Self.idleMilliseconds
        while let delivery = try socket.receive(
            ClientMessage.self, orUntil: inbox.bell, timeoutMilliseconds: timeoutMilliseconds)
        {
            timeoutMilliseconds = 0
            counters.note(arrival(of: delivery))
            switch delivery.message {
            case .success(let message) where !message.isAllowed(to: delivery.role):
                try refuse(message, from: delivery)
            case .success(.control(let request)):
                try handle(.control(request), from: delivery.peer)
            case .success(.worker(let envelope)):
                if envelope.rank == 0, envelope.generation == coordinator.generation { rankZero = delivery.peer }
                try handle(.worker(envelope), from: delivery.peer)
            case .failure(let error):
                complain("\(error)")
                try socket.send(ServerMessage.unreadable(reason: error.description), to: delivery.peer)
            }
        }
    }

    private func arrival(of delivery: RouterSocket.Delivery<ClientMessage>) -> RunCounters.Arrival {
        switch delivery.message {
        case .failure: .unreadable
        case .success(let message) where !message.isAllowed(to: delivery.role): .forbidden
        case .success(.worker): .worker
        case .success(.control): .command
        }
    }

    /// Leaves what there is to see to the pages' server, if there is one, often enough for it to count as alive.
    private mutating func observe() {
        let now = monotonicSeconds()
        guard let server, now - observedAt >= Self.observationSeconds else { return }
        observedAt = now
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.layout.journal)
        server.show(
            RunObservation(
                status: coordinator.status(at: now - clock.stoodStill), counters: counters,
                journalBytes: attributes?[.size] as? Int ?? 0, takenAt: now))
    }

    /// A key is used for what it is not meant for: the log says so, and a command's person is told.
    private mutating func refuse(_ message: ClientMessage, from delivery: RouterSocket.Delivery<ClientMessage>) throws {
        let role = delivery.role?.rawValue ?? ""
        complain("refused: a message that the \(role) key does not allow")
        guard case .control = message else { return }
        let reason = "the \(role) key may not do this; use a folder with control.secret"
        try socket.send(ServerMessage.control(reply: .refused(reason: reason)), to: delivery.peer)
    }

    private mutating func complain(_ text: String) {
        if let line = complaints.line(text, at: monotonicSeconds()) { logger.warning("\(line)") }
    }

    private mutating func handle(_ event: Coordinator.Event, from peer: RouterSocket.Peer?) throws {
        let (now, standstill) = clock.read(monotonicSeconds())
        if let standstill {
            let effects = coordinator.handle(.stoodStill(seconds: standstill), at: now)
            for effect in effects { try perform(effect, for: nil) }
        }
        for effect in coordinator.handle(event, at: now) { try perform(effect, for: peer) }
    }

    private mutating func perform(_ effect: Coordinator.Effect, for peer: RouterSocket.Peer?) throws {
        switch effect {
        case .reply(let message):
            if let peer { try send(message, to: peer) }
        case .answer(let reply):
            if let peer { try answer(reply, to: peer) }
        case .tellRankZero(let message):
            if let rankZero { try send(message, to: rankZero) }
        case .publish(let checkpoint, let generation):
            publish(checkpoint, generation: generation)
        case .giveUp(let checkpoint, let generation, let reason):
            giveUp(checkpoint, generation: generation, reason: reason)
        case .removeOutdated(let checkpoint, let generation):
            let logger = self.logger
            retention.removeOutdated(
                after: checkpoint.step, generation: generation,
                in: folder.checkpoints(of: checkpoint.stage, onNodes: checkpoint.isOnNodes)
            ) { line in
                logger.warning("\(line)")
                TerminalLine.write(line)
            }
        case .withdraw(let stage, let step):
            let withdrawal = try folder.layout.withdraw(stage: stage, after: step)
            for entry in withdrawal.entries(generation: coordinator.generation) { try record(entry) }
            for line in withdrawal.lines {
                logger.notice("\(line)")
                TerminalLine.write(line)
            }
        case .record(let entry):
            counters.note(entry)
            if case .checkpointCommitted(let stage, let step, _, _) = entry {
                try folder.layout.checkpoints(of: stage).reach(.journal, step: step, generation: coordinator.generation)
            }
            try record(entry)
        case .log(let line):
            logger.info("\(line)")
        case .announce(let line):
            logger.notice("\(line)")
            TerminalLine.write(line)
        case .supervise(let effect):
            perform(effect)
        }
    }

    /// A full disk delays the journal; it does not end the run.
    private mutating func record(_ entry: JournalEntry) throws {
        let text: String
        switch try journal.record(entry) {
        case .written, .waits: return
        case .beginsToWait(let reason): text = "\(reason); training goes on, and the journal is written later"
        case .caughtUp(let count): text = "the journal is written again; \(count) entries had been waiting"
        }
        logger.warning("\(text)")
        TerminalLine.write(text)
    }

    private mutating func answer(_ reply: ControlReply, to peer: RouterSocket.Peer) throws {
        guard case .status = reply else {
            // A command may have changed what the next status shows.
            shownStatus = nil
            try socket.send(ServerMessage.control(reply: reply), to: peer)
            return
        }
        let now = monotonicSeconds()
        if let shownStatus, now - shownStatus.atSeconds < Self.statusLifeSeconds {
            try socket.send(frames: shownStatus.frames, to: peer)
        } else {
            do {
                let frames = try WireFormat.frames(of: ServerMessage.control(reply: reply))
                shownStatus = (frames, now)
                try socket.send(frames: frames, to: peer)
            } catch .tooLarge(let bytes) {
                // Workers may have told more than fits; that ends no run.
                let refusal = ControlReply.refused(
                    reason: "the status has \(bytes) bytes, more than a message may have")
                try socket.send(ServerMessage.control(reply: refusal), to: peer)
            }
        }
    }

    private func send(_ message: CoordinatorMessage, to peer: RouterSocket.Peer) throws {
        try socket.send(ServerMessage.worker(generation: coordinator.generation, message: message), to: peer)
    }

    private mutating func perform(_ effect: Supervisor.Effect) {
        switch effect {
        case .launch(let generation):
            rankZero = nil
            processes.launch(generation: generation, on: coordinator.placement)
            announceAddress()
        case .terminate(let generation):
            processes.signal(SIGTERM, generation: generation)
        case .kill(let generation):
            processes.signal(SIGKILL, generation: generation)
        case .end(let status, let message):
            logger.info("ended with status \(status.rawValue): \(message)")
            outcome = (status, message)
        }
    }

    /// Writes `coordinator.json`: at the start, when a launch is ordered, and again when it has a process group.
    private func announceAddress() {
        let address = CoordinatorAddress(
            endpoint: endpoint, pid: getpid(), generation: coordinator.generation,
            processGroup: processes.processGroup, host: ThisMachine.name, keys: keys, http: server?.address)
        do {
            try RecordFile.write(address, to: folder.layout.coordinatorAddress)
        } catch {
            // The run can do without; commands will not find it.
            logger.error("\(error)")
        }
    }

    /// Prints the hashes of the weights. The last launch names those of all stages.
    private func announceWeights() {
        for line in RankOutput.weightsLines(inLogs: folder.layout.logs(ofGeneration: coordinator.generation)) {
            StandardStream.output.write("\(line)\n")
        }
    }

    /// Hashing and flushing take their time, so another thread does it.
    private func publish(_ checkpoint: PreparedCheckpoint, generation: Int) {
        let store = folder.checkpoints(of: checkpoint.stage, onNodes: checkpoint.isOnNodes)
        let inbox = self.inbox
        Thread.detachNewThread {
            do {
                let draft = try checkpoint.draft(generation: generation)
                let committed = try store.publishOrAbandon(draft)
                inbox.post(
                    .published(
                        checkpoint, generation: generation, path: committed.folder,
                        manifestSHA256: committed.manifestSHA256))
            } catch {
                inbox.post(.publishFailed(checkpoint, generation: generation, reason: "\(error)"))
            }
        }
    }

    private func giveUp(_ checkpoint: PreparedCheckpoint, generation: Int, reason: String) {
        let store = folder.checkpoints(of: checkpoint.stage, onNodes: checkpoint.isOnNodes)
        let inbox = self.inbox
        Thread.detachNewThread {
            // What cannot be removed now the next save removes, but then the steps wait for it.
            try? store.abandon(store.saveInProgress(step: checkpoint.step, generation: generation))
            inbox.post(.publishFailed(checkpoint, generation: generation, reason: reason))
        }
    }
}
