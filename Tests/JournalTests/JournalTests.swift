import Foundation
import Journal
import Testing

@Suite final class JournalTests {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private var path: String { "\(folder)/journal.sqlite" }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func step(_ step: Int, student: Bool, generation: Int = 1) -> StepRecord {
        StepRecord(
            stage: "distil", step: step, kind: student ? "criticAndStudent" : "criticOnly", studentUpdated: student,
            generation: generation)
    }

    @Test(
        "The sqlite3 program says which steps updated the student",
        .enabled(if: JournalTests.sqlite3 != nil, "needs the sqlite3 program"))
    func studentSteps() throws {
        let journal = try Journal.writing(path: path)
        try journal.recordSteps((0..<12).map { step($0, student: $0 % 5 == 0) })
        let program = Process()
        program.executableURL = URL(fileURLWithPath: try #require(Self.sqlite3))
        program.arguments = [path, "select step from steps where student_updated"]
        let output = Pipe()
        program.standardOutput = output
        try program.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        #expect(text == "0\n5\n10\n")
        #expect(try journal.studentSteps(stage: "distil") == [0, 5, 10])
    }

    @Test("A step done again after a restart replaces its row")
    func redoneStep() throws {
        let journal = try Journal.writing(path: path)
        try journal.recordSteps((0..<4).map { step($0, student: true, generation: 1) })
        try journal.recordSteps([step(3, student: false, generation: 2)])
        #expect(try journal.completedSteps(stage: "distil") == 4)
        #expect(try journal.studentSteps(stage: "distil") == [0, 1, 2])
    }

    @Test("A journal opened again knows generations, ratios, plans and checkpoints")
    func survives() throws {
        let plan = PlanRecord(
            generation: 2, stage: "distil", firstStep: 4, kinds: ["a", "b", "b", "a"], checkpointAfter: [5, 8],
            stopsAtEnd: false, finishesStage: true)
        let ratio = RatioRecord(stage: "distil", firstStep: 0, ratio: 5, anchorStep: 0)
        let checkpoint = CheckpointRecord(stage: "distil", step: 5, path: "p", manifestSHA256: "s")
        do {
            let journal = try Journal.writing(path: path)
            #expect(try journal.lastGeneration() == 0)
            try journal.recordGenerationStart(1, ranks: 2)
            try journal.recordGenerationEnd(1, cause: "rank 1 was killed")
            try journal.recordGenerationStart(2, ranks: 2)
            try journal.recordRatio(ratio)
            try journal.recordPlan(plan)
            try journal.recordCheckpoint(checkpoint)
            try journal.recordEvent(generation: 2, kind: "rank_lost", detail: ["rank": "1", "reason": "\"quoted\""])
        }
        let journal = try Journal.reading(path: path)
        #expect(try journal.lastGeneration() == 2)
        #expect(try journal.generations().map(\.cause) == ["rank 1 was killed", nil])
        #expect(try journal.ratios() == [ratio])
        #expect(try journal.plans() == [plan])
        #expect(try journal.checkpoints() == [checkpoint])
        #expect(try journal.events().map(\.detail) == [#"{"rank":"1","reason":"\"quoted\""}"#])
    }

    @Test("Metrics are read back by step; what is not a number stays so")
    func metrics() throws {
        let journal = try Journal.writing(path: path)
        try journal.recordMetrics(
            [2, 0, 1].map { MetricRecord(stage: "teacher", step: $0, name: "loss", value: $0 == 1 ? .nan : Double($0)) }
        )
        try journal.recordMetrics([MetricRecord(stage: "teacher", step: 2, name: "loss", value: 7)])
        let values = try journal.metric("loss", stage: "teacher")
        #expect(values.map(\.step) == [0, 1, 2])
        #expect(values[0].value == 0)
        #expect(values[1].value.isNaN)
        #expect(values[2].value == 7)
        #expect(try journal.stagesWithMetrics() == ["teacher"])
        #expect(try journal.metricNames(stage: "teacher") == ["loss"])
    }

    @Test("A journal can be read while it is being written")
    func readWhileWriting() throws {
        let writer = try Journal.writing(path: path)
        try writer.recordSteps([step(0, student: true)])
        let reader = try Journal.reading(path: path)
        #expect(try reader.studentSteps(stage: "distil") == [0])
        try writer.recordSteps([step(1, student: true)])
        #expect(try reader.studentSteps(stage: "distil") == [0, 1])
    }

    @Test("A journal at rest is read without a file beside it, which whoever may only read could not make")
    func readAtRest() throws {
        do { try Journal.writing(path: path).recordSteps([step(0, student: true)]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["journal.sqlite"])
        let reader = try Journal.reading(path: path)
        #expect(try reader.studentSteps(stage: "distil") == [0])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["journal.sqlite"])
    }

    @Test("A journal's folder may have any name")
    func oddName() throws {
        let odd = "\(folder)/50% of it? yes#1"
        try FileManager.default.createDirectory(atPath: odd, withIntermediateDirectories: false)
        do { try Journal.writing(path: odd + "/journal.sqlite").recordSteps([step(0, student: true)]) }
        #expect(try Journal.reading(path: odd + "/journal.sqlite").completedSteps(stage: "distil") == 1)
    }

    @Test("A file that is no journal, or none at all, is an error of one line")
    func damaged() throws {
        #expect(throws: JournalError.self) { try Journal.reading(path: path) }
        try Data(repeating: 0x58, count: 8192).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: JournalError.self) { _ = try Journal.writing(path: path) }
        #expect(error?.description.contains("\n") == false)
    }

    static let sqlite3 = ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}
