import Coordination
import TestSupport
import Testing

/// A run on hosts that come and go, with a virtual clock: ranks and hosts die or freeze, the list of hosts changes, the
/// coordinator itself dies and the next one reads its journal; messages are lost, doubled and overtake each other.
private struct ElasticSimulation {
    enum Fault: CaseIterable {
        case rankKilled, rankFrozen, hostLost, hostFrozen, listChanged, coordinatorKilled
    }

    static let hostNames = ["a", "b", "c"]
    static let updates = 24
    static let tickSeconds = 0.25

    var random: SplitMix
    let kinds: [Fault]
    var faults: Int
    var now = 0.0
    /// The slots of each host, as the list says.
    var world: [String: Int]
    var coordinator: Coordinator
    /// None between the death of a coordinator and the start of the next.
    var isCoordinatorDead = false
    var coordinatorReturnsAt = 0.0
    var journal: [JournalEntry] = []
    var launch: Launch?
    var mail: [(at: Double, envelope: WorkerEnvelope)] = []
    var savedStep = 0
    var saving: (checkpoint: PreparedCheckpoint, generation: Int, doneAt: Double)?
    var nextPollAt = 0.0
    var end: Coordination.ExitStatus?
    var updated: [Int: StepKind] = [:]
    var launches: [(generation: Int, placement: LaunchPlacement)] = []
    var broken: [String] = []

    /// The ranks of a launch as they are.
    struct Launch {
        let generation: Int
        let placement: LaunchPlacement
        var step: Int
        var window: PlanWindow?
        var welcome: Set<Int> = []
        var frozen: Set<Int> = []
        var question: WorkerMessage?
        var hasBegun = false
        var awaitsSave = false
        var endsAt: Double?
        var outcome = (Supervisor.ProcessEnd.exited(code: 0), Supervisor.Culprit())
        var spokeAt = -1.0
        var isMute = false
    }

    init(seed: UInt64, faults: Int, kinds: [Fault]) {
        random = SplitMix(seed: seed)
        self.faults = faults
        self.kinds = kinds
        world = Dictionary(uniqueKeysWithValues: Self.hostNames.map { ($0, 2) })
        let hosts = Self.hostNames.map { HostSlots(name: $0, slots: 2) }
        coordinator = Coordinator(
            runName: "simulated", pid: 1, hosts: HostPool(hosts, policy: Self.policy), restartBudget: 3)
    }

    private static let policy = HostPool.Policy(minRanks: 1, maxRanks: 5, growAfterSeconds: 10)
    private var list: [HostSlots] { Self.hostNames.map { HostSlots(name: $0, slots: world[$0] ?? 0) } }

    mutating func run() {
        deliver(.started)
        while end == nil, now < 20_000 {
            now += Self.tickSeconds
            if isCoordinatorDead, now >= coordinatorReturnsAt { restartCoordinator() }
            if now >= nextPollAt {
                nextPollAt = now + 1
                deliver(.hostsFound(list))
            }
            deliverMail()
            if let saving, now >= saving.doneAt, !isCoordinatorDead {
                self.saving = nil
                savedStep = max(savedStep, saving.checkpoint.step)
                deliver(.published(saving.checkpoint, generation: saving.generation, path: "", manifestSHA256: ""))
            }
            injectFault()
            work()
            deliver(.tick)
            if let endsAt = launch?.endsAt, now >= endsAt, !isCoordinatorDead { endLaunch() }
        }
    }

    // MARK: - The ranks

    private mutating func work() {
        guard var launch, launch.endsAt == nil, !launch.isMute else { return }
        if now - launch.spokeAt >= 1 {
            launch.spokeAt = now
            for rank in 0..<launch.placement.rankCount where !launch.frozen.contains(rank) {
                let heartbeat = Heartbeat(
                    stage: launch.hasBegun ? "distil" : "", step: launch.step, phase: .training,
                    progressCounter: launch.step)
                let message: WorkerMessage =
                    launch.welcome.contains(rank)
                    ? .heartbeat(heartbeat: heartbeat)
                    : .hello(host: "x", pid: Int32(rank + 1), ranks: launch.placement.rankCount)
                send(message, rank: rank, of: launch)
            }
            if let question = launch.question, launch.welcome.contains(0), !launch.frozen.contains(0) {
                send(question, rank: 0, of: launch)
            }
        }
        if launch.welcome.count == launch.placement.rankCount, launch.question == nil, !launch.hasBegun {
            launch.question = .beginStage(stage: stage(from: launch.step))
        }
        if launch.frozen.isEmpty, launch.hasBegun, !launch.awaitsSave, random.chance(0.7) { step(&launch) }
        self.launch = launch
    }

    private func stage(from step: Int) -> StageDeclaration {
        StageDeclaration(
            name: "distil", index: 0, count: 1, goal: .studentUpdates(count: Self.updates, ratio: 5), startStep: step,
            checkpointInterval: 10, windowSteps: 8)
    }

    private mutating func step(_ launch: inout Launch) {
        guard let window = launch.window else {
            if launch.question == nil { launch.question = .planRequest(stage: "distil", firstStep: launch.step) }
            return
        }
        guard launch.step < window.endStep else {
            if window.finishesStage {
                launch.question = launch.question ?? .finished
            } else if window.stopsAtEnd {
                launch.endsAt = now + 0.2
            } else {
                launch.window = nil
            }
            return
        }
        let kind = window.kinds[launch.step - window.firstStep]
        updated[launch.step] = kind
        launch.step += 1
        if window.checkpointAfter.contains(launch.step) {
            launch.awaitsSave = true
            launch.question = .checkpointPrepared(
                checkpoint: .init(stage: "distil", step: launch.step, content: "\(launch.generation)"))
        }
    }

    /// One message in twenty is lost, another doubled, and all take their time.
    private mutating func send(_ message: WorkerMessage, rank: Int, of launch: Launch) {
        if random.chance(0.05) { return }
        for _ in 0..<(random.chance(0.05) ? 2 : 1) {
            let delay = Double(random.integer(in: 0...3)) * 0.2
            mail.append((now + delay, .init(generation: launch.generation, rank: rank, message: message)))
        }
    }

    private mutating func deliverMail() {
        guard !isCoordinatorDead else {
            mail.removeAll { $0.at <= now }
            return
        }
        let due = mail.filter { $0.at <= now }
        mail.removeAll { $0.at <= now }
        for letter in due {
            // Who speaks for a launch that is over is not there to hear the answer.
            let isHeard = letter.envelope.generation == launch?.generation
            deliver(.worker(letter.envelope), from: isHeard ? letter.envelope.rank : nil)
        }
    }

    private mutating func hear(_ message: CoordinatorMessage, rank: Int) {
        guard var launch, !random.chance(0.05) else { return }
        switch (message, launch.question) {
        case (.welcome, _): launch.welcome.insert(rank)
        case (.helloWanted, _): launch.welcome.remove(rank)
        case (.stageBegun, .beginStage?):
            launch.hasBegun = true
            launch.question = nil
        case (.plan(let window), .planRequest(_, let first)?) where window.firstStep == first:
            launch.window = window
            launch.question = nil
        case (.checkpointCommitted(_, let step), .checkpointPrepared(let asked)?) where asked.step == step:
            launch.awaitsSave = false
            launch.question = nil
        case (.noted, .finished?):
            launch.question = nil
            launch.endsAt = now + 0.2
        case (.superseded(let reason), _): broken.append("a live rank was superseded: \(reason)")
        default: break
        }
        self.launch = launch
    }

    // MARK: - The faults

    private mutating func injectFault() {
        guard faults > 0, random.chance(0.01), let fault = kinds.randomElement(using: &random) else { return }
        faults -= 1
        let ranks = launch?.placement.rankCount ?? 0
        switch fault {
        case .rankKilled where launch?.endsAt == nil && ranks > 0:
            launch?.outcome = (.exited(code: 137), .init(rank: random.integer(in: 0...ranks - 1)))
            launch?.endsAt = now + 0.1
        case .rankFrozen where ranks > 0:
            launch?.frozen.insert(random.integer(in: 0...ranks - 1))
        case .hostLost where launch?.endsAt == nil && ranks > 0:
            let host = launch?.placement.hosts.randomElement(using: &random)?.name ?? "a"
            if random.chance(0.5) { world[host] = 0 }
            keepSomeHost()
            launch?.outcome = (.exited(code: 205), .init(host: host))
            launch?.endsAt = now + 1
        case .hostFrozen where launch?.placement.hosts.count ?? 0 > 1:
            // The only host, frozen, looks like ranks that are frozen.
            let host = launch?.placement.hosts.randomElement(using: &random)?.name
            for rank in 0..<ranks where launch?.placement.host(ofRank: rank) == host { launch?.frozen.insert(rank) }
        case .listChanged:
            world[Self.hostNames[random.integer(in: 0...2)]] = random.integer(in: 0...2)
            keepSomeHost()
        case .coordinatorKilled where !isCoordinatorDead:
            isCoordinatorDead = true
            coordinatorReturnsAt = now + Double(random.integer(in: 0...20))
            saving = nil
        default: break
        }
    }

    /// Somebody brings machines back before the run gives up waiting.
    private mutating func keepSomeHost() {
        if world.values.allSatisfy({ $0 == 0 }) { world["a"] = 1 }
    }

    private mutating func restartCoordinator() {
        isCoordinatorDead = false
        guard let launch = launches.last, !hasEnded(launch.generation) else {
            coordinator = Coordinator(
                runName: "simulated", pid: 1, hosts: HostPool(list, policy: Self.policy), restartBudget: 3,
                history: .init(lastGeneration: launches.last?.generation ?? 0))
            return deliver(.started)
        }
        coordinator = Coordinator(
            runName: "simulated", pid: 1, hosts: HostPool(list, policy: Self.policy), restartBudget: 3,
            history: .init(lastGeneration: launch.generation),
            resuming: liveLaunch(launch.generation, launch.placement),
            at: now)
        deliver(.resumed)
        if self.launch == nil { deliver(.launchEnded(generation: launch.generation, .exited(code: 1), detail: "")) }
    }

    private func hasEnded(_ generation: Int) -> Bool {
        journal.contains { if case .generationEnded(generation, _, _, _) = $0 { true } else { false } }
    }

    /// What the journal says of a launch.
    private func liveLaunch(_ generation: Int, _ placement: LaunchPlacement) -> LiveLaunch {
        var live = LiveLaunch(generation: generation, placement: placement)
        for entry in journal {
            switch entry {
            case .generationStarted(generation, _, _, let used): live.restartsUsed = used
            case .stageBegun(generation, let stage, _):
                live.stage = stage
                live.step = stage.startStep
            case .planGranted(let granted, let window):
                if granted == generation { live.windows.append(window) }
                live.everGrantedEnd = max(live.everGrantedEnd, window.endStep)
            case .stepsCompleted(generation, _, let first, let kinds): live.step = first + kinds.count
            case .checkpointCommitted: live.restartsUsed = 0
            case .event(generation, "ranks_complete", _): live.isComplete = true
            case .event(generation, "resize", let detail): live.resizeReason = detail["reason"]
            case .event(generation, "finished", _): live.isFinished = true
            default: break
            }
        }
        return live
    }

    // MARK: - The coordinator

    private mutating func deliver(_ event: Coordinator.Event, from rank: Int? = nil) {
        guard !isCoordinatorDead else { return }
        for effect in coordinator.handle(event, at: now) {
            switch effect {
            case .reply(let message):
                if let rank { hear(message, rank: rank) }
            case .tellRankZero(let message): hear(message, rank: 0)
            case .record(let entry): journal.append(entry)
            case .publish(let checkpoint, let generation): saving = (checkpoint, generation, now + 0.5)
            case .giveUp(let checkpoint, let generation, let reason):
                deliver(.publishFailed(checkpoint, generation: generation, reason: reason))
            case .supervise(.launch(let generation)): start(generation)
            case .supervise(.terminate):
                // Frozen ranks do not listen.
                let soon = min(launch?.endsAt ?? .infinity, now + 0.1)
                if launch?.frozen.isEmpty == true { launch?.endsAt = soon }
            case .supervise(.kill): launch?.endsAt = now
            case .supervise(.end(let status, _)): end = status
            default: break
            }
        }
    }

    private mutating func start(_ generation: Int) {
        let placement = coordinator.placement
        if let last = launches.last, last.generation >= generation {
            broken.append("launch \(generation) after \(last.generation)")
        }
        if launch != nil { broken.append("launch \(generation) beside one that runs") }
        if !(1...5).contains(placement.rankCount) { broken.append("\(placement.rankCount) ranks") }
        launches.append((generation, placement))
        launch = Launch(generation: generation, placement: placement, step: savedStep)
    }

    private mutating func endLaunch() {
        guard let ended = launch else { return }
        launch = nil
        saving = nil
        deliver(
            .launchEnded(generation: ended.generation, ended.outcome.0, detail: "", culprit: ended.outcome.1))
    }
}

@Suite struct ElasticSimulationTests {
    private func run(_ seed: UInt64, faults: Int, _ kinds: [ElasticSimulation.Fault]) -> ElasticSimulation {
        var simulation = ElasticSimulation(seed: seed, faults: faults, kinds: kinds)
        simulation.run()
        return simulation
    }

    private func expectWholeRun(_ simulation: ElasticSimulation) {
        let schedule = RatioSchedule(ratio: 5)
        #expect(simulation.updated.count == 5 * ElasticSimulation.updates)
        #expect(simulation.updated.allSatisfy { schedule.kind(of: $0.key) == $0.value })
    }

    @Test(
        "Whatever dies, freezes, changes or is lost, the run ends complete or gives up",
        arguments: 0..<1000 as Range<UInt64>)
    func everything(seed: UInt64) {
        let simulation = run(seed, faults: 12, ElasticSimulation.Fault.allCases)
        #expect(simulation.broken == [])
        #expect(simulation.end == .done || simulation.end == .gaveUp, "\(String(describing: simulation.end))")
        if simulation.end == .done { expectWholeRun(simulation) }
    }

    @Test("Hosts that come and go never use up the budget of restarts", arguments: 0..<500 as Range<UInt64>)
    func membership(seed: UInt64) {
        let simulation = run(seed, faults: 20, [.hostLost, .hostFrozen, .listChanged])
        #expect(simulation.broken == [])
        #expect(simulation.end == .done, "\(String(describing: simulation.end))")
        expectWholeRun(simulation)
    }

    @Test("Coordinators that die cost no launch and no step", arguments: 0..<500 as Range<UInt64>)
    func coordinators(seed: UInt64) {
        let simulation = run(seed, faults: 10, [.coordinatorKilled])
        #expect(simulation.broken == [])
        #expect(simulation.end == .done)
        #expect(simulation.launches.map(\.generation) == [1])
        expectWholeRun(simulation)
    }
}
