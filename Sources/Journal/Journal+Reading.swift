// What reports, charts and a restarted coordinator ask.
extension Journal {
    /// The number of the last launch; 0 if there was none.
    package func lastGeneration() throws(JournalError) -> Int {
        try database.rows("select max(generation) from generations").first?.first?.integer ?? 0
    }

    /// All launches, in order.
    package func generations() throws(JournalError) -> [GenerationRecord] {
        try database.rows(
            "select generation, started_utc, ended_utc, ranks, cause from generations order by generation"
        ).map {
            GenerationRecord(
                generation: $0[0].integer ?? 0, startedUTC: $0[1].text ?? "", endedUTC: $0[2].text,
                ranks: $0[3].integer ?? 0, cause: $0[4].text)
        }
    }

    /// The ratio's history of every stage, each stage's in the order of steps.
    package func ratios() throws(JournalError) -> [RatioRecord] {
        try database.rows(
            "select stage, first_step, ratio, anchor_step from ratio_segments order by stage, first_step"
        ).map {
            RatioRecord(
                stage: $0[0].text ?? "", firstStep: $0[1].integer ?? 0, ratio: $0[2].integer ?? 1,
                anchorStep: $0[3].integer ?? 0)
        }
    }

    /// All windows granted, in the order they were.
    package func plans() throws(JournalError) -> [PlanRecord] {
        try database.rows(
            """
            select generation, stage, first_step, kinds, checkpoint_after, stops_at_end, finishes_stage
            from plans order by id
            """
        ).map {
            PlanRecord(
                generation: $0[0].integer ?? 0, stage: $0[1].text ?? "", firstStep: $0[2].integer ?? 0,
                kinds: kinds(ofRuns: $0[3].text ?? ""),
                checkpointAfter: ($0[4].text ?? "").split(separator: " ").compactMap { Int($0) },
                stopsAtEnd: $0[5].integer == 1, finishesStage: $0[6].integer == 1)
        }
    }

    /// The steps of a stage that updated the student, ascending.
    package func studentSteps(stage: String) throws(JournalError) -> [Int] {
        try database.rows(
            "select step from steps where stage = ? and student_updated order by step", [.text(stage)]
        ).compactMap { $0[0].integer }
    }

    /// How many steps of a stage are completed.
    package func completedSteps(stage: String) throws(JournalError) -> Int {
        try database.rows("select count(*) from steps where stage = ?", [.text(stage)]).first?.first?.integer ?? 0
    }

    /// How many steps are completed, of each stage that has any.
    package func completedSteps() throws(JournalError) -> [String: Int] {
        let rows = try database.rows("select stage, max(step) + 1 from steps group by stage")
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0].text ?? "", $0[1].integer ?? 0) })
    }

    /// The end of the steps of a stage that one launch completed last; 0 if there are none.
    package func completedSteps(stage: String, generation: Int) throws(JournalError) -> Int {
        try database.rows(
            "select max(step) + 1 from steps where stage = ? and generation = ?", [.text(stage), .integer(generation)]
        ).first?.first?.integer ?? 0
    }

    /// The steps whose samples do not follow on those of the step before: empty where each (epoch, sample) was used once.
    package func stepsOutOfSequence() throws(JournalError) -> [(stage: String, step: Int)] {
        try database.rows(
            "select stage, step from sample_ledger where first_sample <> expected_first_sample order by stage, step"
        ).map { ($0[0].text ?? "", $0[1].integer ?? 0) }
    }

    /// Stages that have metrics, sorted.
    package func stagesWithMetrics() throws(JournalError) -> [String] {
        try database.rows("select distinct stage from metrics order by stage").compactMap { $0[0].text }
    }

    /// Names of a stage's metrics, sorted.
    package func metricNames(stage: String) throws(JournalError) -> [String] {
        try database.rows("select distinct name from metrics where stage = ? order by name", [.text(stage)])
            .compactMap { $0[0].text }
    }

    /// All values of one metric, by step.
    package func metric(_ name: String, stage: String) throws(JournalError) -> [(step: Int, value: Double)] {
        try database.rows(
            "select step, value from metrics where stage = ? and name = ? order by step", [.text(stage), .text(name)]
        ).map { ($0[0].integer ?? 0, $0[1].real) }
    }

    /// The value of every metric of a stage at the last step that has it, by name.
    package func latestMetrics(stage: String) throws(JournalError) -> [String: Double] {
        let rows = try database.rows(
            "select name, value, max(step) from metrics where stage = ? group by name", [.text(stage)])
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0].text ?? "", $0[1].real) })
    }

    /// All checkpoints ever published, in the order they were.
    package func checkpoints() throws(JournalError) -> [CheckpointRecord] {
        try database.rows(
            "select stage, step, path, manifest_sha256 from checkpoints order by time_utc, step"
        ).map {
            CheckpointRecord(
                stage: $0[0].text ?? "", step: $0[1].integer ?? 0, path: $0[2].text ?? "",
                manifestSHA256: $0[3].text ?? "")
        }
    }

    /// All events but the first few, in order. Events are only ever added, so those that were read need not be again.
    package func events(skipping count: Int = 0) throws(JournalError) -> [EventRecord] {
        try database.rows(
            "select time_utc, generation, kind, detail from events order by id limit -1 offset ?", [.integer(count)]
        ).map {
            EventRecord(
                timeUTC: $0[0].text ?? "", generation: $0[1].integer ?? 0, kind: $0[2].text ?? "",
                detail: $0[3].text ?? "")
        }
    }
}
