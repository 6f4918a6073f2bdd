package import Coordination
import Foundation
package import Journal

extension Journal {
    /// Writes a fact that the scheduling machines report.
    package func record(_ entry: JournalEntry) throws(JournalError) {
        switch entry {
        case .generationStarted(let generation, let ranks, let hosts, let restartsUsed):
            try recordGenerationStart(generation, ranks: ranks)
            var detail = ["ranks": "\(ranks)", "restarts_used": "\(restartsUsed)"]
            if !hosts.isEmpty { detail["hosts"] = hosts }
            try recordEvent(generation: generation, kind: "launch_started", detail: detail)
        case .generationEnded(let generation, let cause, let silentSeconds, let step):
            try recordGenerationEnd(generation, cause: cause)
            try recordEvent(
                generation: generation, kind: "launch_ended",
                detail: ["cause": cause, "silent_seconds": "\(silentSeconds)", "step": "\(step)"])
        case .stageBegun(let generation, let stage, let totalSteps):
            if stage.batch > 0 {
                try recordStage(stage.name, batch: stage.batch, epochSamples: stage.epochSamples)
            }
            try recordEvent(
                generation: generation, kind: "stage_begun",
                detail: [
                    "stage": stage.name, "step": "\(stage.startStep)", "steps": "\(totalSteps)",
                    "index": "\(stage.index)", "count": "\(stage.count)", "declaration": text(of: stage),
                ])
        case .planGranted(let generation, let window):
            try recordPlan(
                PlanRecord(
                    generation: generation, stage: window.stage, firstStep: window.firstStep,
                    kinds: window.kinds.map(\.rawValue), checkpointAfter: window.checkpointAfter,
                    stopsAtEnd: window.stopsAtEnd, finishesStage: window.finishesStage))
        case .stepsCompleted(let generation, let stage, let firstStep, let kinds):
            try recordSteps(
                zip(firstStep..., kinds).map { step, kind in
                    StepRecord(
                        stage: stage, step: step, kind: kind.rawValue, studentUpdated: kind == .criticAndStudent,
                        generation: generation)
                })
        case .metrics(let rows):
            try recordMetrics(
                rows.map { MetricRecord(stage: $0.stage, step: $0.step, name: $0.name, value: $0.value) })
        case .checkpointCommitted(let stage, let step, let path, let manifestSHA256):
            try recordCheckpoint(
                CheckpointRecord(stage: stage, step: step, path: path, manifestSHA256: manifestSHA256))
        case .ratioChanged(let stage, let segment):
            try recordRatio(
                RatioRecord(
                    stage: stage, firstStep: segment.firstStep, ratio: segment.ratio, anchorStep: segment.anchorStep))
        case .event(let generation, let kind, let detail):
            try recordEvent(generation: generation, kind: kind, detail: detail)
        }
    }

    private func text(of stage: StageDeclaration) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        // Strings and integers always have a JSON form.
        return (try? encoder.encode(stage)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The ratio's history of every stage, as the scheduler wants it. A history that makes no sense is left out.
    package func ratioSchedules() throws(JournalError) -> [String: RatioSchedule] {
        Dictionary(grouping: try ratios(), by: \.stage).compactMapValues { records in
            RatioSchedule(
                segments: records.map {
                    .init(firstStep: $0.firstStep, ratio: $0.ratio, anchorStep: $0.anchorStep)
                })
        }
    }

    /// What the student updates of every stage measured.
    package func studentHistories() throws(JournalError) -> [String: StudentHistory] {
        var histories: [String: StudentHistory] = [:]
        for stage in try stagesWithMetrics() {
            var history = StudentHistory()
            for metric in StudentMetric.allCases {
                for (step, value) in try self.metric(metric.rawValue, stage: stage) {
                    history.add(MetricRow(stage: stage, step: step, name: metric.rawValue, value: value))
                }
            }
            histories[stage] = history
        }
        return histories
    }
}
