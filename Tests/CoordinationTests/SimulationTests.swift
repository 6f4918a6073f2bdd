import Coordination
import TestSupport
import Testing

/// A run with a virtual clock: workers that step, save, die and freeze, and messages that are lost, doubled or late.
private struct Simulation {
    var random: SplitMix
    var coordinator = Coordinator(runName: "simulated", pid: 1, rankCount: 3, restartBudget: 3)
    var now = 0.0
    var generation = 0
    var launchEndsAt: Double?
    var step = 0
    var savedStep = 0
    var window: PlanWindow?
    var isFrozen = false
    var faults: Int
    var end: Coordination.ExitStatus?
    /// What each step updated when it was last run.
    var updated: [Int: StepKind] = [:]
    var generations: [Int] = []

    static let updates = 30
    /// The loop that sets the ratio; nil: it stays at 5.
    let control: RatioControl?
    /// Steps that did something else when they were done again.
    private(set) var changedSteps = 0
    /// Metrics that no heartbeat has carried yet.
    private var unsent: [MetricRow] = []

    init(seed: UInt64, faults: Int, control: RatioControl? = nil) {
        random = SplitMix(seed: seed)
        self.faults = faults
        self.control = control
    }

    mutating func run() {
        deliver(.started)
        while end == nil, now < 100_000 {
            now += 0.5
            deliver(.tick)
            if let launchEndsAt {
                if now >= launchEndsAt { endLaunch(code: 137) }
                continue
            }
            if generation > 0, !isFrozen { work() }
        }
    }

    /// Half a second of the workers' life.
    private mutating func work() {
        if faults > 0, random.chance(0.05) {
            faults -= 1
            if random.chance(0.5) { isFrozen = true } else { launchEndsAt = now + 1.1 }
            return
        }
        for rank in 0..<3 { send(.hello(host: "a", pid: Int32(rank + 1), ranks: 3), rank: rank) }
        send(.beginStage(stage: stage))
        if window == nil { send(.planRequest(stage: "distil", firstStep: step)) }
        if let window {
            if step < window.endStep {
                let kind = window.kinds[step - window.firstStep]
                if let before = updated[step], before != kind { changedSteps += 1 }
                updated[step] = kind
                if kind == .criticAndStudent, control != nil { unsent += Self.rows(step: step) }
                step += 1
                if window.checkpointAfter.contains(step) {
                    // A worker sends what it has measured before it asks anything.
                    if !unsent.isEmpty { sendMetrics() }
                    send(.checkpointPrepared(checkpoint: .init(stage: "distil", step: step, content: "")))
                }
            }
            if step >= window.endStep {
                self.window = nil
                if window.finishesStage {
                    deliver(.worker(.init(generation: generation, rank: 0, message: .finished)))
                    endLaunch(code: 0)
                    return
                }
            }
        }
        for rank in 0..<3 {
            let heartbeat = Heartbeat(stage: "distil", step: step, phase: .training, progressCounter: step)
            if rank > 0 || unsent.isEmpty {
                send(.heartbeat(heartbeat: heartbeat), rank: rank)
            } else if random.chance(0.3) {
                sendMetrics()
            }
        }
    }

    /// Metrics travel in order over a stream, and are lost only with the process.
    private mutating func sendMetrics() {
        let heartbeat = Heartbeat(
            stage: "distil", step: step, phase: .training, progressCounter: step, metrics: unsent)
        for message in [WorkerMessage.hello(host: "a", pid: 1, ranks: 3), .heartbeat(heartbeat: heartbeat)] {
            deliver(.worker(.init(generation: generation, rank: 0, message: message)))
        }
        unsent = []
    }

    /// What a student update at a step measures, whoever computes it: at some steps the critic lags, at others not.
    static func rows(step: Int) -> [MetricRow] { studentRows(step: step, lag: step / 40 % 3 == 0 ? 0.2 : -0.2) }

    private var stage: StageDeclaration {
        StageDeclaration(
            name: "distil", index: 0, count: 1,
            goal: .studentUpdates(
                count: control == nil ? Self.updates : 150, ratio: control == nil ? 5 : 1, control: control),
            startStep: savedStep, checkpointInterval: 10, windowSteps: 8)
    }

    /// The network loses one message in ten and doubles another; now and then an old one arrives.
    private mutating func send(_ message: WorkerMessage, rank: Int = 0) {
        if case .beginStage = message, window != nil || step > savedStep { return }
        if random.chance(0.1) { return }
        for _ in 0..<(random.chance(0.1) ? 2 : 1) {
            deliver(.worker(.init(generation: generation, rank: rank, message: message)))
        }
        if random.chance(0.02), generation > 1 {
            deliver(.worker(.init(generation: generation - 1, rank: rank, message: message)))
        }
    }

    private mutating func deliver(_ event: Coordinator.Event) {
        for effect in coordinator.handle(event, at: now) {
            switch effect {
            case .reply(.plan(let window)) where window.firstStep == step,
                .tellRankZero(.plan(let window)) where window.firstStep == step:
                self.window = window
            case .publish(let checkpoint, let generation):
                savedStep = max(savedStep, checkpoint.step)
                deliver(.published(checkpoint, generation: generation, path: "", manifestSHA256: ""))
            case .giveUp(let checkpoint, let generation, let reason):
                deliver(.publishFailed(checkpoint, generation: generation, reason: reason))
            case .supervise(.launch(let generation)):
                generations.append(generation)
                self.generation = generation
                step = savedStep
                window = nil
                unsent = []
                isFrozen = false
            case .supervise(.terminate):
                if !isFrozen { launchEndsAt = now + 1 }
            case .supervise(.kill): launchEndsAt = now
            case .supervise(.end(let status, _)): end = status
            default: break
            }
        }
    }

    private mutating func endLaunch(code: Int32) {
        launchEndsAt = nil
        let ended = generation
        generation = 0
        deliver(.launchEnded(generation: ended, .exited(code: code), detail: ""))
    }
}

@Suite struct SimulationTests {
    @Test(
        "Whatever is lost, doubled, killed or frozen, the run ends complete or gives up",
        arguments: 0..<300 as Range<UInt64>)
    func randomFaults(seed: UInt64) {
        var simulation = Simulation(seed: seed, faults: 8)
        simulation.run()
        #expect(simulation.generations == Array(1...simulation.generations.count), "numbers strictly increase")
        #expect(simulation.end == .done || simulation.end == .gaveUp, "\(String(describing: simulation.end))")
        if simulation.end == .done {
            let schedule = RatioSchedule(ratio: 5)
            #expect(simulation.updated.count == 5 * Simulation.updates)
            #expect(simulation.updated.allSatisfy { schedule.kind(of: $0.key) == $0.value })
        }
    }

    @Test("Kills between which checkpoints are made do not exhaust the budget of restarts")
    func mostRunsComplete() {
        let ends = (0..<50 as Range<UInt64>).map { seed in
            var simulation = Simulation(seed: seed, faults: 4)
            simulation.run()
            return simulation.end
        }
        // Each run meets four faults and may restart three times without progress.
        #expect(ends.count { $0 == .done } >= 45)
    }

    @Test("An automatic ratio gives every step the kind it has without faults", arguments: 0..<100 as Range<UInt64>)
    func automaticRatio(seed: UInt64) {
        let control = RatioControl(batch: 64)
        var calm = Simulation(seed: 1, faults: 0, control: control)
        calm.run()
        #expect(calm.end == .done)
        var simulation = Simulation(seed: seed, faults: 8, control: control)
        simulation.run()
        guard simulation.end == .done else { return }
        #expect(simulation.updated == calm.updated)
        #expect(simulation.changedSteps == 0)
    }

    @Test("Without a fault one generation is enough")
    func noFaults() {
        var simulation = Simulation(seed: 1, faults: 0)
        simulation.run()
        #expect(simulation.end == .done)
        #expect(simulation.generations == [1])
    }
}
