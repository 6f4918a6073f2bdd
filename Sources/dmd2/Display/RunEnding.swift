import Evaluation
import Foundation

/// What is printed when a run has ended well.
struct RunEnding {
    let folder: RunFolder
    let stageSeconds: [(stage: String, seconds: Double)]

    /// The evaluation's table, if wanted and there is one, the wall time of each stage and the files of the run.
    func text(includingEvaluation: Bool) throws -> String {
        var paragraphs: [String] = []
        if includingEvaluation, let bytes = FileManager.default.contents(atPath: folder.file("evaluation.json")) {
            paragraphs.append(TerminalTable.text(try JSONDecoder().decode(EvaluationResult.self, from: bytes)))
        }
        if !stageSeconds.isEmpty {
            paragraphs.append(Rows.text(stageSeconds.map { ($0.stage, durationText(seconds: $0.seconds)) }))
        }
        paragraphs.append(Rows.text(files.map { ("wrote", $0) }))
        return paragraphs.joined(separator: "\n\n")
    }

    private var files: [String] {
        let samples = (try? FileManager.default.contentsOfDirectory(atPath: folder.file("samples"))) ?? []
        let images = samples.filter { $0.hasSuffix(".png") }.sorted().map { "samples/\($0)" }
        return (["evaluation.json", "report.html"] + images + ["journal.sqlite"]).map(folder.file)
            .filter(FileManager.default.fileExists(atPath:))
    }
}
