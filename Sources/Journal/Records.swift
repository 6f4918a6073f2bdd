package import Foundation

/// Something that happened, as the journal keeps it.
package struct EventRecord: Sendable, Equatable {
    /// When, ISO 8601 in UTC.
    package var timeUTC: String
    /// In which launch; 0: before the first.
    package var generation: Int
    /// What, one word such as `rank_lost`.
    package var kind: String
    /// Particulars, a JSON object.
    package var detail: String

    /// Creates a record; see the properties for the meaning of each argument.
    package init(timeUTC: String, generation: Int, kind: String, detail: String) {
        self.timeUTC = timeUTC
        self.generation = generation
        self.kind = kind
        self.detail = detail
    }
}

extension EventRecord {
    /// `timeUTC` as a date; nil if it is none.
    package var time: Date? {
        try? Date(timeUTC, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// `detail` taken apart; empty if it is no object of strings.
    package var particulars: [String: String] {
        (try? JSONDecoder().decode([String: String].self, from: Data(detail.utf8))) ?? [:]
    }

    /// A particular that is a whole number; 0 where it is missing.
    package func number(_ key: String) -> Int { particulars[key].flatMap { Int($0) } ?? 0 }
}

/// A launch of the workers.
package struct GenerationRecord: Sendable, Equatable {
    /// Its number.
    package var generation: Int
    /// When it began, ISO 8601 in UTC.
    package var startedUTC: String
    /// When it ended; nil: it has not, or the coordinator died first.
    package var endedUTC: String?
    /// How many ranks it had.
    package var ranks: Int
    /// Why it ended.
    package var cause: String?
}

/// Consecutive steps granted to the workers.
package struct PlanRecord: Sendable, Equatable {
    /// The launch they were granted to.
    package var generation: Int
    /// Their stage.
    package var stage: String
    /// The first step.
    package var firstStep: Int
    /// What each step updates.
    package var kinds: [String]
    /// Counts of completed steps at which state is saved.
    package var checkpointAfter: [Int]
    /// True if the workers leave afterwards.
    package var stopsAtEnd: Bool
    /// True if the stage is complete afterwards.
    package var finishesStage: Bool

    /// Creates a record; see the properties for the meaning of each argument.
    package init(
        generation: Int, stage: String, firstStep: Int, kinds: [String], checkpointAfter: [Int], stopsAtEnd: Bool,
        finishesStage: Bool
    ) {
        self.generation = generation
        self.stage = stage
        self.firstStep = firstStep
        self.kinds = kinds
        self.checkpointAfter = checkpointAfter
        self.stopsAtEnd = stopsAtEnd
        self.finishesStage = finishesStage
    }
}

/// A completed step.
package struct StepRecord: Sendable, Equatable {
    /// Its stage.
    package var stage: String
    /// Its number, from 0.
    package var step: Int
    /// What it updated.
    package var kind: String
    /// True if that includes the student.
    package var studentUpdated: Bool
    /// The launch that completed it last.
    package var generation: Int

    /// Creates a record; see the properties for the meaning of each argument.
    package init(stage: String, step: Int, kind: String, studentUpdated: Bool, generation: Int) {
        self.stage = stage
        self.step = step
        self.kind = kind
        self.studentUpdated = studentUpdated
        self.generation = generation
    }
}

/// One value measured at one step.
package struct MetricRecord: Sendable, Equatable {
    /// The stage it was measured in.
    package var stage: String
    /// The step, from 0.
    package var step: Int
    /// The metric's name.
    package var name: String
    /// Its value; what is not a number is stored as null and read as NaN.
    package var value: Double

    /// Creates a record; see the properties for the meaning of each argument.
    package init(stage: String, step: Int, name: String, value: Double) {
        self.stage = stage
        self.step = step
        self.name = name
        self.value = value
    }
}

/// A published checkpoint.
package struct CheckpointRecord: Sendable, Equatable {
    /// Its stage.
    package var stage: String
    /// Completed steps of the stage.
    package var step: Int
    /// Its folder.
    package var path: String
    /// SHA-256 of its manifest, hexadecimal.
    package var manifestSHA256: String

    /// Creates a record; see the properties for the meaning of each argument.
    package init(stage: String, step: Int, path: String, manifestSHA256: String) {
        self.stage = stage
        self.step = step
        self.path = path
        self.manifestSHA256 = manifestSHA256
    }
}

/// Steps under one ratio of critic to student updates.
package struct RatioRecord: Sendable, Equatable {
    /// The stage.
    package var stage: String
    /// The first step the ratio applies to.
    package var firstStep: Int
    /// Critic updates per student update.
    package var ratio: Int
    /// A step that updates the student.
    package var anchorStep: Int

    /// Creates a record; see the properties for the meaning of each argument.
    package init(stage: String, firstStep: Int, ratio: Int, anchorStep: Int) {
        self.stage = stage
        self.firstStep = firstStep
        self.ratio = ratio
        self.anchorStep = anchorStep
    }
}
