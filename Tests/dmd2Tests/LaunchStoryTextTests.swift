import Foundation
import Journal
import Testing
import Training
import dmd2

struct LaunchStoryTextTests {
    /// The lines about a launch of a run, of which launch 1 failed if it has a cause, and the last one finished.
    private func lines(about launch: Int, firstCause: String?) throws -> [String] {
        let path = NSTemporaryDirectory() + "dmd2-\(UUID().uuidString).sqlite"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let journal = try Journal.writing(path: path)
        func begin(_ launch: Int) throws {
            try journal.recordGenerationStart(launch, ranks: 2)
            try journal.recordEvent(generation: launch, kind: "launch_started", detail: ["ranks": "2"])
            try journal.recordEvent(generation: launch, kind: "ranks_complete", detail: [:])
            try journal.recordEvent(generation: launch, kind: "first_step", detail: ["redone": "false"])
        }
        func end(_ launch: Int, _ cause: String) throws {
            try journal.recordGenerationEnd(launch, cause: cause)
            try journal.recordEvent(
                generation: launch, kind: "launch_ended", detail: ["silent_seconds": "0", "step": "1"])
        }
        if let firstCause {
            try begin(1)
            try end(1, firstCause)
        }
        let last = firstCause == nil ? 1 : 2
        try begin(last)
        try journal.recordEvent(generation: last, kind: "finished", detail: [:])
        try end(last, "finished")
        try journal.recordEvent(
            generation: last, kind: "run_ended", detail: ["status": "0", "message": "finished"])
        let story = try #require(
            LaunchStory(of: launch, generations: try journal.generations(), events: try journal.events(), now: nil))
        return LaunchStoryText.text(story).split(separator: "\n").map(String.init)
    }

    @Test("Of a run that went well it is said that nothing failed, and no cause is named")
    func nothingFailed() throws {
        let lines = try lines(about: 1, firstCause: nil)
        #expect(lines.first == "run      finished; nothing failed")
        #expect(lines.contains { $0.hasPrefix("ended ") && $0.hasSuffix(": finished") }, "\(lines)")
        #expect(!lines.contains { $0.hasPrefix("first cause") || $0.hasPrefix("outage") }, "\(lines)")
    }

    @Test("Of a run that was cut off it is said that nobody saw its end")
    func cutOff() throws {
        let path = NSTemporaryDirectory() + "dmd2-\(UUID().uuidString).sqlite"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let journal = try Journal.writing(path: path)
        try journal.recordGenerationStart(1, ranks: 2)
        try journal.recordEvent(generation: 1, kind: "launch_started", detail: ["ranks": "2"])
        let story = try #require(
            LaunchStory(of: 1, generations: try journal.generations(), events: try journal.events(), now: nil))
        let lines = LaunchStoryText.text(story).split(separator: "\n")
        #expect(lines.first == "run      cut off; dmd2 run goes on from the last checkpoint")
        #expect(lines.contains { $0.hasPrefix("ended    nobody saw it: ") && $0.hasSuffix("Z") }, "\(lines)")
    }

    @Test("A failure that the run recovered from is told with its cause and as recovered")
    func recovered() throws {
        let cause = "rank 1 was ended by signal 9"
        let failed = try lines(about: 1, firstCause: cause)
        #expect(failed.first == "run          finished; recovered from the failure of launch 1")
        #expect(failed.contains("first cause  \(cause)"), "\(failed)")
        #expect(failed.contains("recovered    launch 2 had come as far again"), "\(failed)")
        let last = try lines(about: 2, firstCause: cause)
        #expect(last.first == "run      finished; recovered from the failure of launch 1")
        #expect(!last.contains { $0.hasPrefix("first cause") }, "\(last)")
    }
}
