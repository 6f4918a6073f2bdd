import Journal
import Testing
import Training

@Suite("Wall time of the stages")
struct StageTimesTests {
    private func event(_ second: Int, _ generation: Int, _ kind: String, stage: String = "") -> EventRecord {
        EventRecord(
            timeUTC: "2026-01-02T03:04:\(second < 10 ? "0" : "")\(second).500Z", generation: generation, kind: kind,
            detail: stage.isEmpty ? "{}" : "{\"stage\":\"\(stage)\",\"step\":\"0\"}")
    }

    @Test("A stage lasts from its beginning to its end")
    func oneLaunch() {
        let times = StageTimes.seconds([
            event(0, 1, "stage_begun", stage: "teacher"), event(8, 1, "stage_finished", stage: "teacher"),
            event(9, 1, "stage_begun", stage: "distil"), event(14, 1, "finished"),
        ])
        #expect(times.map(\.stage) == ["teacher", "distil"])
        #expect(times.map(\.seconds) == [8, 5])
    }

    @Test("A stage that a launch left unfinished counts to that launch's last event, and again in the next one")
    func restarted() {
        let times = StageTimes.seconds([
            event(0, 1, "stage_begun", stage: "teacher"), event(5, 1, "rank_lost"),
            event(20, 2, "stage_begun", stage: "teacher"), event(23, 2, "stage_finished", stage: "teacher"),
        ])
        #expect(times.map(\.stage) == ["teacher"])
        #expect(times.map(\.seconds) == [8])
    }
}
