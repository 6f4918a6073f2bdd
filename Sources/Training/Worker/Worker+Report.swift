import Checkpoints
import Communication
import Datasets
import Diffusion
import Distillation
import Evaluation
import Foundation
import Journal
import Layers
import Tensors

extension Worker {
    /// Rows and columns of a grid of samples: one row a class.
    private static let gridColumns = 10

    /// Draws a stage's progress beside its checkpoint, if there is anything to see.
    func drawSamples(of stage: some TrainingStage, step: Int) throws {
        let labels = gridLabels
        guard let images = stage.samples(labels: labels, noise: gridNoise) else { return }
        _ = try drawGrid(images, labels, name: CheckpointStore.stepName(step))
    }

    private var gridLabels: [Int] {
        (0..<configuration.network.classes * Self.gridColumns).map { $0 / Self.gridColumns }
    }

    /// The noise of every grid of the run, by its number: the same, so that grids can be compared.
    private func gridNoise(_ number: Int) -> Tensor {
        let network = configuration.network
        let shape = Shape(gridLabels.count, network.resolution, network.resolution, network.imageChannels)
        return RandomStream(seed: configuration.run.seed, purpose: .gridNoise, draw: number)
            .normal(shape, step: 0, firstSample: 0)
    }

    /// Writes `samples/NAME.png` and returns its bytes.
    private func drawGrid(_ images: Tensor, _ labels: [Int], name: String) throws -> [UInt8] {
        try FileManager.default.createDirectory(atPath: folder.samples, withIntermediateDirectories: true)
        let raster = ImageGrid(columns: Self.gridColumns).draw(
            images.elements, labels: labels, rows: configuration.network.classes, height: images.shape[1],
            width: images.shape[2], channels: images.shape[3])
        let bytes = try PNGFile.encode(raster)
        try AtomicFile.write(bytes, to: folder.samples(name))
        return bytes
    }

    /// Writes the final grids and `report.html`.
    func writeReport(_ result: EvaluationResult, _ generators: GeneratorPair, images: TrainingImages) throws {
        let labels = gridLabels
        let realLabels = images.records.labels
        let examples = (0..<configuration.network.classes).flatMap { label in
            realLabels.indices.lazy.filter { realLabels[$0] == label }.prefix(Self.gridColumns)
        }
        let real = images.gather(Array(examples))
        let calls = result.student.networkCalls
        let grids = [
            ("Data", try drawGrid(real.images, real.labels, name: "data")),
            (
                "Teacher, \(result.teacher.networkCalls) network calls",
                try drawGrid(generators.teacherImages(labels: labels, noise: gridNoise), labels, name: "teacher")
            ),
            (
                "Student, \(calls) network call\(calls == 1 ? "" : "s")",
                try drawGrid(generators.studentImages(labels: labels, noise: gridNoise), labels, name: "student")
            ),
        ]
        let journal = try Journal.reading(path: folder.journal)
        let contents = try ReportContents(
            title: "\(configuration.run.name): DMD2 distillation", runName: configuration.run.name, result: result,
            stages: StageTimes.seconds(try journal.events()).map { .init(name: $0.stage, wallSeconds: $0.seconds) },
            curves: ReportCurves.curves(journal),
            grids: grids.map { .init(caption: $0.0, png: $0.1) }, configuration: configuration.yaml,
            facts: [
                .init(label: "Student's weights", value: configuration.evaluate.student.yaml),
                .init(label: "Ranks", value: String(communicator.size)),
                .init(label: "Threads per rank", value: String(configuration.launch.threadsPerRank)),
                .init(label: "Weights per network", value: String(generators.student.layout.parameterCount)),
            ],
            events: try journal.events().map(ReportContents.Event.init))
        try AtomicFile.write(Report.html(contents), to: folder.report)
    }
}

extension ReportContents.Event {
    /// What the journal keeps, in words: to the second, stage and step before the other particulars.
    fileprivate init(_ record: EventRecord) {
        let first = ["stage", "step"]
        let particulars = record.particulars
        let others = particulars.keys.filter { !first.contains($0) }.sorted()
        self.init(
            time: String(record.timeUTC.prefix(19).replacing("T", with: " ")),
            name: record.kind.replacing("_", with: " "),
            details: (first + others).compactMap { key in particulars[key].map { .init(label: key, value: $0) } })
    }
}
