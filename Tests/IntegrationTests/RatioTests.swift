import Coordination
import Foundation
import Testing

extension ProgramTests {
    struct RatioTests {
        @Test("A ratio set during the run holds from one future step on, in status, journal and steps")
        func setRatio() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let settings = ["run.folder=\(sandbox.runFolder)", "teacher.steps=2", "distil.studentUpdates=40"]
            let program = try sandbox.start(
                "dmd2",
                ["run", sandbox.configuration, "--stop-after", "60"] + settings.flatMap { ["--set", $0] })

            let before = try await live.reach("distil", step: 0)
            #expect(before.ratio == 3)
            let set = try await sandbox.run("dmd2", ["set", "ratio=7", sandbox.runFolder])
            let first = try #require(
                set.output.matches(of: /ratio 7 from step (\d+) on/).first.flatMap { Int($0.output.1) })
            #expect(first > before.step)
            let status = try await sandbox.run("dmd2", ["status", "--json", sandbox.runFolder])
            let shown = try JSONDecoder().decode(RunStatus.self, from: Data(status.output.utf8))
            let pending = shown.pendingRatio.map { [$0.ratio, $0.step] }
            #expect(pending == [7, first] || shown.ratio == 7 && shown.step >= first, "\(status.output)")
            let outcome = try await sandbox.finish(program)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")

            let over = try await sandbox.run("dmd2", ["status", "--json", sandbox.runFolder])
            #expect(over.exitCode == 0, "\(over.errors)")
            #expect(over.output.contains(#""live":false"#) && over.output.contains(#""state":"done""#))

            let journal = sandbox.runFolder + "/journal.sqlite"
            let segments = try await sandbox.run(
                "sqlite3", [journal, "select first_step, ratio from ratio_segments where stage = 'distil' order by 1"])
            #expect(segments.output == "0|3\n\(first)|7\n")
            let updates = try await sandbox.run(
                "sqlite3", [journal, "select step from steps where stage = 'distil' and student_updated order by step"])
            #expect(updates.output.split(separator: "\n").map { Int($0) } == studentSteps(change: first, end: 60))
        }

        /// Every third step before the change; then seven steps after the last one, and every seventh.
        private func studentSteps(change: Int, end: Int) -> [Int] {
            let before = Array(stride(from: 0, to: change, by: 3))
            return before + stride(from: max(change, (before.last ?? 0) + 7), to: end, by: 7)
        }
    }
}
