import Evaluation
import Foundation
import Journal
import Training

/// What is printed when a run has ended well.
struct RunEnding {
    let folder: RunFolder

    /// The evaluation's table, if wanted and there is one, the wall time of each stage and the files of the run.
    func text(includingEvaluation: Bool) throws -> String {
        var paragraphs: [String] = []
        if includingEvaluation, let bytes = FileManager.default.contents(atPath: folder.layout.evaluation) {
            paragraphs.append(try table(of: bytes))
        }
        let journal = try Journal.reading(path: folder.layout.journal)
        let events = try journal.events()
        if !events.contains(where: { $0.kind == "finished" }) {
            paragraphs.append("stopped before the end; the same command goes on from here")
        }
        let stages = StageTimes.seconds(events)
        if !stages.isEmpty {
            paragraphs.append(Rows.text(stages.map { ($0.stage, durationText(seconds: $0.seconds)) }))
        }
        paragraphs.append(Rows.text(files.map { ("wrote", $0) }))
        return paragraphs.joined(separator: "\n\n")
    }

    /// The table of an `evaluation.json`, which is that of points or of images.
    private func table(of bytes: Data) throws -> String {
        let decoder = JSONDecoder()
        if let points = try? decoder.decode(PointEvaluationResult.self, from: bytes) {
            return TerminalTable.text(points)
        }
        return TerminalTable.text(try decoder.decode(EvaluationResult.self, from: bytes))
    }

    private var files: [String] {
        let layout = folder.layout
        let samples = (try? FileManager.default.contentsOfDirectory(atPath: layout.samples)) ?? []
        let images = samples.filter { $0.hasSuffix(".png") }.sorted().map { "\(layout.samples)/\($0)" }
        return ([layout.evaluation, layout.report] + images + [layout.pairs, layout.journal])
            .filter(FileManager.default.fileExists(atPath:))
    }
}
