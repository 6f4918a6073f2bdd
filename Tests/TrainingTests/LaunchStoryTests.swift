import Coordination
import Foundation
import Journal
import Testing
import Training

@Suite struct LaunchStoryTests {
    /// An event so many seconds after midnight.
    private func event(_ second: Double, _ launch: Int, _ kind: String, _ detail: [String: String] = [:]) throws
        -> EventRecord
    {
        let whole = Int(second)
        let time = String(
            format: "2026-01-01T00:%02d:%02d.%03dZ", whole / 60, whole % 60,
            Int(((second - Double(whole)) * 1000).rounded()))
        let json = String(decoding: try JSONEncoder().encode(detail), as: UTF8.self)
        return EventRecord(timeUTC: time, generation: launch, kind: kind, detail: json)
    }

    private func generation(_ number: Int, ended: Bool, cause: String?) throws -> GenerationRecord {
        let journal = try Journal.writing(path: NSTemporaryDirectory() + "story-\(UUID().uuidString).sqlite")
        try journal.recordGenerationStart(number, ranks: 4)
        if ended { try journal.recordGenerationEnd(number, cause: cause ?? "") }
        return try #require(try journal.generations().first)
    }

    /// Launch 1 trains from 3 s on, is at step 40 when rank 2 is found silent at 30 s, and gone at 31 s. Launch 2 begins
    /// at step 25, works from 35 s on, and is at step 40 at 38 s.
    private func events() throws -> [EventRecord] {
        [
            try event(0, 1, "launch_started", ["ranks": "4"]), try event(2, 1, "ranks_complete"),
            try event(2.5, 1, "stage_begun", ["stage": "teacher", "step": "0"]),
            try event(3, 1, "first_step", ["redone": "false"]),
            try event(30, 1, "rank_lost", ["silent_seconds": "10"]),
            try event(30.5, 1, "worker_failed", ["rank": "0", "reason": "no answer"]),
            try event(31, 1, "launch_ended", ["step": "40", "silent_seconds": "11"]),
            try event(31, 2, "launch_started", ["ranks": "4"]), try event(33, 2, "ranks_complete"),
            try event(34, 2, "stage_begun", ["stage": "teacher", "step": "25"]),
            try event(35, 2, "first_step", ["redone": "true"]), try event(38, 2, "caught_up"),
        ]
    }

    @Test("An outage is told from the last progress until the next launch has come as far")
    func outage() throws {
        let launches = [
            try generation(1, ended: true, cause: "rank 2 has been silent for 10 s"),
            try generation(2, ended: false, cause: nil),
        ]
        let now = try #require(try event(48, 2, "now").time)
        let story = try #require(LaunchStory(of: 1, generations: launches, events: try events(), now: now))

        #expect(story.cause == "rank 2 has been silent for 10 s")
        #expect(story.collateral == ["rank 0: no answer"])
        #expect(story.stepsCompleted == 40 && story.nextStartedAt == 25 && story.stepsLost == 15)
        #expect(story.isRecovered && story.recoveredBy == 2)
        #expect(story.ending == .failed && story.runEnding == .open && story.failedLaunches == [1])
        let expected = ["detect": 10.0, "stop": 1, "wait": 0, "launch": 2, "load": 2, "redo": 3]
        #expect(story.outageSeconds.keys.sorted() == expected.keys.sorted())
        for (activity, seconds) in expected {
            // Times are written to the millisecond.
            #expect(abs((story.outageSeconds[activity] ?? 0) - seconds) < 0.002, "\(activity)")
        }
        // Kept: 17 s before the silence, 10 s after catching up, of 48.
        #expect(abs(story.goodput - 27.0 / 48) < 0.001)
    }

    @Test("A launch that ended well had no outage, and one that never was has no story")
    func noOutage() throws {
        let events = [
            try event(0, 1, "launch_started"), try event(3, 1, "first_step", ["redone": "false"]),
            try event(9, 1, "finished"), try event(10, 1, "launch_ended", ["step": "5"]),
            try event(10, 1, "run_ended", ["status": "0", "message": "finished"]),
        ]
        let launches = [try generation(1, ended: true, cause: "finished")]
        let story = try #require(LaunchStory(of: 1, generations: launches, events: events, now: nil))
        #expect(story.outageSeconds.isEmpty && story.isRecovered && story.recoveredBy == nil)
        #expect(story.ending == .finished && story.runEnding == .finished && story.failedLaunches.isEmpty)
        #expect(LaunchStory(of: 2, generations: launches, events: events, now: nil) == nil)
    }

    @Test("What stood still and was survived is told by name, in the order of events")
    func standstills() throws {
        let events = [
            try event(0, 1, "launch_started"),
            try event(5, 1, "process_woken", ["process": "mpirun", "seconds": "3.02"]),
            try event(9, 1, "stood_still", ["process": "the coordinator", "seconds": "3.4"]),
        ]
        let launches = [try generation(1, ended: false, cause: nil)]
        let story = try #require(LaunchStory(of: 1, generations: launches, events: events, now: nil))
        #expect(story.standstills == ["mpirun for 3 s", "the coordinator for 3 s"])
    }

    @Test("A launch whose end nobody saw is not one that lives, nor one in which nothing failed")
    func unseen() throws {
        let events = [
            try event(0, 1, "launch_started"), try event(3, 1, "first_step", ["redone": "false"]),
            try event(9, 1, "checkpoint_committed", ["stage": "teacher", "step": "5"]),
        ]
        let launches = [try generation(1, ended: false, cause: nil)]
        let dead = try #require(LaunchStory(of: 1, generations: launches, events: events, now: nil))
        #expect(dead.ending == .unseen && dead.runEnding == .unseen && dead.failedLaunches == [1])
        #expect(dead.lastHeard == events[2].timeUTC)
        let now = try #require(try event(12, 1, "now").time)
        let alive = try #require(LaunchStory(of: 1, generations: launches, events: events, now: now))
        #expect(alive.ending == .open && alive.runEnding == .open)
    }

    @Test("Of the launches without an end only the last of a live run lives")
    func withoutEnd() throws {
        let journal = try Journal.writing(path: NSTemporaryDirectory() + "story-\(UUID().uuidString).sqlite")
        for launch in 1...3 { try journal.recordGenerationStart(launch, ranks: 4) }
        try journal.recordGenerationEnd(2, cause: "rank 1 was ended by signal 9")
        let generations = try journal.generations()
        let live = LaunchEnding.all(of: generations, events: [], isLive: true)
        #expect(live.map(\.ending) == [.unseen, .failed, .open] && live.map(\.launch) == [1, 2, 3])
        let over = LaunchEnding.all(of: generations, events: [], isLive: false)
        #expect(over.map(\.ending) == [.unseen, .failed, .unseen])
    }

    @Test("What ended a launch is told apart: its goal, an order, other hosts, a failure")
    func endings() throws {
        let cause = "rank 1 was ended by signal 9"
        let cases: [(cause: String?, events: [(String, [String: String])], LaunchEnding)] = [
            (nil, [], .open),
            ("finished", [("finished", [:]), ("run_ended", ["status": "0", "message": "finished"])], .finished),
            (
                "stopped, state is saved", [("run_ended", ["status": "0", "message": "stopped, state is saved"])],
                .stopped
            ),
            (
                "stopped, state is saved", [("run_ended", ["status": "75", "message": "stopped, state is saved"])],
                .stopped
            ),
            (
                Supervisor.unsavedStop + cause,
                [("run_ended", ["status": "75", "message": Supervisor.unsavedStop + cause])], .failed
            ),
            ("more hosts", [("resize", ["reason": "more hosts"])], .resized),
            (cause, [("resize", ["reason": "more hosts"])], .failed),
            (cause, [], .failed),
            // Stopped before the next launch.
            (cause, [("run_ended", ["status": "0", "message": "stopped"])], .failed),
            // No launch was possible, so none has ended.
            (nil, [("run_ended", ["status": "69", "message": "no mpirun"])], .failed),
        ]
        for (cause, events, ending) in cases {
            let record = try generation(1, ended: cause != nil, cause: cause)
            let events = try events.map { try event(5, 1, $0.0, $0.1) }
            #expect(LaunchEnding(of: record, events: events) == ending, "\(cause ?? "no cause"), \(events)")
        }
    }

    @Test("A journal without an end of its last launch says how to go on with it")
    func liveLaunch() throws {
        let journal = try Journal.writing(path: NSTemporaryDirectory() + "live-\(UUID().uuidString).sqlite")
        let stage = StageDeclaration(
            name: "distil", index: 1, count: 2, goal: .studentUpdates(count: 10, ratio: 5), startStep: 10,
            checkpointInterval: 10, windowSteps: 4, batch: 8, epochSamples: 100)
        let window = PlanWindow(stage: "distil", firstStep: 10, kinds: [.criticAndStudent, .criticOnly])
        let entries: [JournalEntry] = [
            .generationStarted(generation: 3, ranks: 2, hosts: "a:2", restartsUsed: 2),
            .event(generation: 3, kind: "ranks_complete", detail: [:]),
            .stageBegun(generation: 3, stage, totalSteps: 50), .planGranted(generation: 3, window: window),
            .stepsCompleted(generation: 3, stage: "distil", firstStep: 10, kinds: [.criticAndStudent]),
            .event(generation: 3, kind: "save_asked", detail: ["stage": "distil", "step": "13"]),
            .event(generation: 3, kind: "stop_asked", detail: ["by": "signal"]),
        ]
        for entry in entries { try journal.record(entry) }
        let placement = LaunchPlacement(hosts: [HostSlots(name: "a", slots: 2)])
        let launch = try journal.liveLaunch(3, on: placement)

        #expect(launch.isComplete && !launch.isFinished)
        #expect(launch.stage == stage)
        #expect(launch.windows == [window] && launch.everGrantedEnd == 12 && launch.step == 11)
        #expect(launch.savesAsked == [13])
        #expect(launch.stopCause == .signal)
        #expect(launch.restartsUsed == 2)
        #expect(try journal.stepsOutOfSequence().map(\.step) == [10], "steps 0 to 9 are missing")
    }

    @Test("A coordinator that starts knows the newest checkpoint that is there, and since when")
    func newestCheckpoint() throws {
        let journal = try Journal.writing(path: NSTemporaryDirectory() + "newest-\(UUID().uuidString).sqlite")
        func newest(after kind: String, _ stage: String, _ detail: [String: String]) throws -> String? {
            let detail = detail.merging(["stage": stage]) { $1 }
            try journal.record(.event(generation: 1, kind: kind, detail: detail))
            let checkpoint = try journal.history().checkpoints.newest
            // The journal's times have milliseconds; the machine may be busy.
            if let checkpoint { #expect(abs(checkpoint.time - monotonicSeconds()) < 30) }
            return checkpoint.map { "\($0.stage) \($0.step)" }
        }
        #expect(try newest(after: "stage_begun", "teacher", ["step": "0"]) == nil)
        #expect(try newest(after: "checkpoint_committed", "teacher", ["step": "8"]) == "teacher 8")
        #expect(try newest(after: "stage_begun", "distil", ["step": "0"]) == "teacher 8")
        #expect(try newest(after: "checkpoint_committed", "distil", ["step": "4"]) == "distil 4")
        #expect(try newest(after: "checkpoint_committed", "distil", ["step": "6"]) == "distil 6")
        // The next launch found that of step 6 damaged.
        #expect(try newest(after: "stage_begun", "distil", ["step": "4"]) == "distil 4")
        #expect(try newest(after: "rolled_back", "distil", ["to_step": "0"]) == "teacher 8")
    }
}
