import Coordination
import Testing

@Suite struct SupervisorTests {
    private func running(lastGeneration: Int = 0, budget: Int = 3) -> Supervisor {
        var supervisor = Supervisor(lastGeneration: lastGeneration, restartBudget: budget)
        _ = supervisor.handle(.started, at: 0)
        _ = supervisor.handle(.ranksComplete, at: 1)
        return supervisor
    }

    private func ended(_ generation: Int, code: Int32) -> Supervisor.Event {
        .launchEnded(generation: generation, .exited(code: code), detail: "")
    }

    @Test("Generations continue from the last one")
    func generations() {
        var supervisor = Supervisor(lastGeneration: 6, restartBudget: 3)
        #expect(supervisor.handle(.started, at: 0) == [.launch(generation: 7)])
        #expect(supervisor.handle(.started, at: 0) == [])
    }

    @Test("A run whose workers finish is done")
    func finishes() {
        var supervisor = running()
        #expect(supervisor.handle(.finished, at: 5) == [])
        #expect(supervisor.handle(ended(1, code: 0), at: 6) == [.end(.done, message: "finished")])
    }

    @Test("A killed rank starts the next generation at once")
    func restart() {
        var supervisor = running()
        #expect(supervisor.handle(ended(1, code: 137), at: 5) == [.launch(generation: 2)])
        #expect(supervisor.lastCause == "a rank was ended by signal 9")
        #expect(supervisor.handle(ended(1, code: 137), at: 5) == [], "an older generation's end is old news")
    }

    @Test("A launch whose keeper died is replaced, and the keeper is named")
    func keeperLost() {
        var supervisor = running()
        let end = Supervisor.Event.launchEnded(generation: 1, .unseen, detail: "")
        #expect(supervisor.handle(end, at: 5) == [.launch(generation: 2)])
        #expect(supervisor.lastCause == "the process that kept the launch is gone")
    }

    @Test("Restarts without progress end the run with status 93")
    func givesUp() {
        var supervisor = running()
        var effects: [Supervisor.Effect] = []
        var now = 0.0
        var launches = 1
        while !effects.contains(where: { if case .end = $0 { true } else { false } }), launches < 10 {
            effects = supervisor.handle(ended(supervisor.generation, code: 137), at: now)
            while case .backingOff = supervisor.state {
                now += 1
                effects = supervisor.handle(.tick, at: now)
            }
            if case .launch? = effects.first { launches += 1 }
        }
        #expect(launches == 4)
        guard case .ended(.gaveUp, _) = supervisor.state else {
            Issue.record("ended as \(supervisor.state)")
            return
        }
    }

    @Test("Progress restores the budget")
    func progress() {
        var supervisor = running()
        for round in 0..<20 {
            #expect(supervisor.handle(ended(supervisor.generation, code: 139), at: Double(round)).count == 1)
            _ = supervisor.handle(.progressed, at: Double(round))
        }
        #expect(supervisor.generation == 21)
    }

    @Test("A failure that a restart would repeat ends the run with the worker's status", arguments: [65, 66, 78, 79])
    func permanentFailure(code: Int32) {
        var supervisor = running()
        _ = supervisor.handle(.workerFailed(rank: 0, exitCode: code, reason: "bad"), at: 2)
        _ = supervisor.handle(.workerFailed(rank: 1, exitCode: 1, reason: "collateral"), at: 2)
        guard case .end(let status, "rank 0: bad")? = supervisor.handle(ended(1, code: code), at: 3).first else {
            Issue.record("ended as \(supervisor.state)")
            return
        }
        #expect(status.rawValue == code)
    }

    @Test("Workers that leave with success but without finishing are started again")
    func earlySuccess() {
        var supervisor = running()
        #expect(supervisor.handle(ended(1, code: 0), at: 5) == [.launch(generation: 2)])
    }

    @Test("A lost rank ends the generation: SIGTERM, then SIGKILL until it is gone, then the next")
    func lostRank() {
        var supervisor = running()
        #expect(supervisor.handle(.rankLost(reason: "rank 1 is silent"), at: 10) == [.terminate(generation: 1)])
        #expect(supervisor.handle(.rankLost(reason: "rank 0 is silent"), at: 11) == [])
        #expect(supervisor.handle(.tick, at: 10.9) == [])
        #expect(supervisor.handle(.tick, at: 11) == [.kill(generation: 1)])
        #expect(supervisor.handle(.tick, at: 11.9) == [])
        #expect(supervisor.handle(.tick, at: 12) == [.kill(generation: 1)])
        let end = Supervisor.Event.launchEnded(generation: 1, .signalled(number: 9), detail: "")
        #expect(supervisor.handle(end, at: 17) == [.launch(generation: 2)])
        #expect(supervisor.lastCause == "rank 1 is silent")
    }

    @Test(
        "A stop by command ends with 0, by signal with 75",

        arguments: [
            (Supervisor.StopCause.command, Coordination.ExitStatus.done), (.signal, .stoppedResumable),
        ])
    func stop(cause: Supervisor.StopCause, status: Coordination.ExitStatus) {
        var supervisor = running()
        #expect(supervisor.handle(.stopAsked(cause), at: 10) == [])
        #expect(
            supervisor.handle(ended(1, code: 0), at: 20) == [.end(status, message: "stopped, state is saved")])
    }

    @Test("Workers that say they stopped have stopped; workers that failed meanwhile have not saved")
    func workersStop() {
        var orderly = running()
        _ = orderly.handle(.stopAsked(.command), at: 10)
        #expect(orderly.handle(ended(1, code: 75), at: 11) == [.end(.done, message: "stopped, state is saved")])
        var failed = running()
        _ = failed.handle(.stopAsked(.command), at: 10)
        _ = failed.handle(.workerFailed(rank: 0, exitCode: 1, reason: "disk full"), at: 11)
        guard case .end(.stoppedResumable, _)? = failed.handle(ended(1, code: 1), at: 12).first else {
            Issue.record("ended as \(failed.state)")
            return
        }
    }

    @Test("A second signal does not wait for the save")
    func impatience() {
        var supervisor = running()
        _ = supervisor.handle(.stopAsked(.signal), at: 10)
        #expect(supervisor.handle(.stopAsked(.signal), at: 11) == [.terminate(generation: 1)])
        guard case .end(.stoppedResumable, _)? = supervisor.handle(ended(1, code: 1), at: 12).first else {
            Issue.record("ended as \(supervisor.state)")
            return
        }
    }

    @Test("The first signal after a command to stop still waits for the save; the next does not")
    func signalAfterCommand() {
        var supervisor = running()
        _ = supervisor.handle(.stopAsked(.command), at: 10)
        #expect(supervisor.handle(.stopAsked(.command), at: 11) == [])
        #expect(supervisor.handle(.stopAsked(.signal), at: 12) == [])
        var impatient = supervisor
        #expect(impatient.handle(.stopAsked(.signal), at: 13) == [.terminate(generation: 1)])
        #expect(supervisor.handle(ended(1, code: 75), at: 14) == [.end(.done, message: "stopped, state is saved")])
    }

    @Test("A drain that takes too long is ended, and resumable")
    func drainDeadline() {
        var supervisor = running()
        _ = supervisor.handle(.stopAsked(.command), at: 10)
        #expect(supervisor.handle(.tick, at: 309) == [])
        #expect(supervisor.handle(.tick, at: 310) == [.terminate(generation: 1)])
        guard case .end(.stoppedResumable, _)? = supervisor.handle(ended(1, code: 1), at: 311).first else {
            Issue.record("ended as \(supervisor.state)")
            return
        }
    }

    @Test("Where launches have been complete, one that is impossible is tried again for ten minutes, off the budget")
    func impossibleForNow() {
        var supervisor = running()
        #expect(supervisor.handle(ended(1, code: 137), at: 10) == [.launch(generation: 2)])
        var now = 10.0
        var attempts = 0
        while supervisor.handle(.launchImpossible(.runFolderUnusable, reason: "disk full"), at: now).isEmpty {
            attempts += 1
            #expect(supervisor.handle(.tick, at: now + 4) == [])
            now += 5
            #expect(supervisor.handle(.tick, at: now) == [.launch(generation: 2 + attempts)])
        }
        #expect(attempts == 120 && supervisor.restartsUsed == 1)
        #expect(supervisor.state == .ended(.runFolderUnusable, message: "disk full"))
    }

    @Test("A launch that is impossible once stops no run, and a stop is not held up by it")
    func impossibleOnce() {
        var supervisor = running()
        _ = supervisor.handle(ended(1, code: 137), at: 10)
        #expect(supervisor.handle(.launchImpossible(.runFolderUnusable, reason: "disk full"), at: 10) == [])
        _ = supervisor.handle(.tick, at: 15)
        _ = supervisor.handle(.ranksComplete, at: 16)
        #expect(supervisor.state == .running && supervisor.generation == 3)
        _ = supervisor.handle(ended(3, code: 137), at: 1000)
        #expect(supervisor.handle(.launchImpossible(.runFolderUnusable, reason: "disk full"), at: 1000) == [])
        #expect(supervisor.handle(.stopAsked(.command), at: 1001) == [.end(.done, message: "stopped")])
    }

    @Test("Nothing is launched after the end")
    func afterTheEnd() {
        var supervisor = Supervisor(lastGeneration: 0, restartBudget: 3)
        _ = supervisor.handle(.started, at: 0)
        let effects = supervisor.handle(.launchImpossible(.unavailable, reason: "no mpirun"), at: 1)
        #expect(effects == [.end(.unavailable, message: "no mpirun")])
        for event in [.started, .tick, ended(1, code: 137), .rankLost(reason: "x")] as [Supervisor.Event] {
            #expect(supervisor.handle(event, at: 100) == [])
        }
    }

    @Test("A collapse ends the generation and the run, whatever the workers leave with", arguments: [0, 1, 94, 143])
    func collapse(code: Int32) {
        var supervisor = running()
        #expect(supervisor.handle(.collapsed(reason: "gone"), at: 10) == [.terminate(generation: 1)])
        #expect(supervisor.handle(.collapsed(reason: "again"), at: 11) == [])
        #expect(supervisor.handle(ended(1, code: code), at: 12) == [.end(.collapsed, message: "gone")])
    }
}
