import Foundation

/// A run's memory: an SQLite file in the run folder. What a restarted coordinator must know is on disk when the
/// call returns; steps and metrics may lose their last second to a power cut. Threading: one thread at a time.
package final class Journal {
    let database: Database
    private var isDurable: Bool?

    private init(_ database: consuming Database) {
        self.database = database
    }

    /// Opens a run's journal for writing, creating it if it is missing.
    package static func writing(path: String) throws(JournalError) -> Journal {
        let database = try Database(writing: path)
        // Readers such as `dmd2 events` do not block the writer, nor it them.
        try database.execute("pragma journal_mode = wal")
        try database.execute(Schema.statements)
        return Journal(database)
    }

    /// Opens an existing journal, also that of a live run. Writes nothing.
    package static func reading(path: String) throws(JournalError) -> Journal {
        Journal(try Database(reading: path))
    }
}

// MARK: - Writing

extension Journal {
    /// Something happened; `detail` becomes a JSON object.
    package func recordEvent(generation: Int, kind: String, detail: [String: String]) throws(JournalError) {
        try write(
            durably: true, "insert into events (time_utc, generation, kind, detail) values (?, ?, ?, ?)",
            [[.text(timeUTC()), .integer(generation), .text(kind), .text(json(detail))]])
    }

    /// A launch begins.
    package func recordGenerationStart(_ generation: Int, ranks: Int) throws(JournalError) {
        try write(
            durably: true, "insert or replace into generations (generation, started_utc, ranks) values (?, ?, ?)",
            [[.integer(generation), .text(timeUTC()), .integer(ranks)]])
    }

    /// A launch has ended.
    package func recordGenerationEnd(_ generation: Int, cause: String) throws(JournalError) {
        try write(
            durably: true, "update generations set ended_utc = ?, cause = ? where generation = ?",
            [[.text(timeUTC()), .text(cause), .integer(generation)]])
    }

    /// A stage begins: images of a step, and of an epoch.
    package func recordStage(_ stage: String, batch: Int, epochSamples: Int) throws(JournalError) {
        try write(
            durably: true, "insert or replace into stages (stage, batch, epoch_samples) values (?, ?, ?)",
            [[.text(stage), .integer(batch), .integer(epochSamples)]])
    }

    /// Steps are granted.
    package func recordPlan(_ plan: PlanRecord) throws(JournalError) {
        let row: [Value] = [
            .integer(plan.generation), .text(plan.stage), .integer(plan.firstStep),
            .integer(plan.firstStep + plan.kinds.count - 1), .text(runs(of: plan.kinds)),
            .text(plan.checkpointAfter.map(String.init).joined(separator: " ")),
            .integer(plan.stopsAtEnd ? 1 : 0), .integer(plan.finishesStage ? 1 : 0),
        ]
        try write(
            durably: true,
            """
            insert into plans (generation, stage, first_step, last_step, kinds, checkpoint_after, stops_at_end,
            finishes_stage) values (?, ?, ?, ?, ?, ?, ?, ?)
            """, [row])
    }

    /// Steps are completed. A step done again after a restart replaces its row.
    package func recordSteps(_ steps: [StepRecord]) throws(JournalError) {
        try write(
            durably: false,
            "insert or replace into steps (stage, step, kind, student_updated, generation) values (?, ?, ?, ?, ?)",
            steps.map {
                [
                    .text($0.stage), .integer($0.step), .text($0.kind), .integer($0.studentUpdated ? 1 : 0),
                    .integer($0.generation),
                ]
            })
    }

    /// Metrics are measured. A value measured again after a restart replaces its row.
    package func recordMetrics(_ metrics: [MetricRecord]) throws(JournalError) {
        try write(
            durably: false, "insert or replace into metrics (stage, step, name, value) values (?, ?, ?, ?)",
            metrics.map { [.text($0.stage), .integer($0.step), .text($0.name), .real($0.value)] })
    }

    /// A checkpoint is published.
    package func recordCheckpoint(_ checkpoint: CheckpointRecord) throws(JournalError) {
        let row: [Value] = [
            .text(checkpoint.stage), .integer(checkpoint.step), .text(checkpoint.path),
            .text(checkpoint.manifestSHA256), .text(timeUTC()),
        ]
        try write(
            durably: true,
            """
            insert or replace into checkpoints (stage, step, path, manifest_sha256, time_utc) values (?, ?, ?, ?, ?)
            """, [row])
    }

    /// The ratio changes.
    package func recordRatio(_ ratio: RatioRecord) throws(JournalError) {
        try write(
            durably: true,
            "insert or replace into ratio_segments (stage, first_step, ratio, anchor_step) values (?, ?, ?, ?)",
            [[.text(ratio.stage), .integer(ratio.firstStep), .integer(ratio.ratio), .integer(ratio.anchorStep)]])
    }

    /// All rows in one transaction. With a write-ahead log, `full` waits for the disk at every commit and `normal`
    /// only when the log is folded into the file.
    private func write(durably: Bool, _ sql: String, _ rows: [[Value]]) throws(JournalError) {
        guard !rows.isEmpty else { return }
        if isDurable != durably {
            try database.execute("pragma synchronous = \(durably ? "full" : "normal")")
            isDurable = durably
        }
        try database.execute("begin immediate")
        do {
            try database.execute(sql, forEach: rows)
            try database.execute("commit")
        } catch {
            // The first failure is the one worth reporting; rolling back fails only if SQLite already did it.
            try? database.execute("rollback")
            throw error
        }
    }
}

/// The time now, ISO 8601 in UTC with milliseconds.
private func timeUTC() -> String {
    Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
}

private func json(_ detail: [String: String]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // A dictionary of strings always has a JSON form.
    return (try? encoder.encode(detail)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
}

/// Equal neighbours counted: `criticAndStudent 1, criticOnly 4`.
func runs(of kinds: [String]) -> String {
    var runs: [(kind: String, count: Int)] = []
    for kind in kinds {
        if let last = runs.last, last.kind == kind {
            runs[runs.count - 1].count += 1
        } else {
            runs.append((kind, 1))
        }
    }
    return runs.map { "\($0.kind) \($0.count)" }.joined(separator: ", ")
}

/// What `runs` wrote, spelled out.
func kinds(ofRuns text: String) -> [String] {
    text.split(separator: ", ").flatMap { run -> [String] in
        let parts = run.split(separator: " ")
        guard parts.count == 2, let count = Int(parts[1]) else { return [] }
        return Array(repeating: String(parts[0]), count: count)
    }
}
