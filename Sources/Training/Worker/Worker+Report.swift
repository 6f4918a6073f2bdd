import Checkpoints
import Communication
import Coordination
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
    /// Points of a plot of samples.
    private static let points = 2000

    /// Draws a stage's progress beside its checkpoint, if there is anything to see.
    func drawSamples(of stage: some TrainingStage, step: Int) throws {
        let labels = sampleLabels
        guard let images = stage.samples(labels: labels, noise: sampleNoise) else { return }
        do {
            _ = try draw(images, labels, name: CheckpointStore.stepName(step))
        } catch {
            try control.notice("no samples are drawn after step \(step): \(error)")
        }
    }

    private var sampleLabels: [Int] {
        let network = configuration.network
        return network.isOfPoints
            ? [Int](repeating: 0, count: Self.points)
            : (0..<network.classes * Self.gridColumns).map { $0 / Self.gridColumns }
    }

    /// The noise of every picture of the run, by its number: the same, so that pictures can be compared.
    private func sampleNoise(_ number: Int) -> Tensor {
        let network = configuration.network
        let shape = Shape(sampleLabels.count, network.resolution, network.resolution, network.imageChannels)
        return RandomStream(seed: configuration.run.seed, purpose: .gridNoise, draw: number)
            .normal(shape, step: 0, firstSample: 0)
    }

    /// A grid's images, as many at a time as the evaluation makes: with many classes all of them need far more memory.
    private func gridImages(_ labels: [Int], _ generate: ([Int], (Int) -> Tensor) -> Tensor) -> Tensor {
        let network = configuration.network
        let images = Tensor(
            uninitialized: Shape(labels.count, network.resolution, network.resolution, network.imageChannels))
        for start in stride(from: 0, to: labels.count, by: configuration.evaluate.batch) {
            let range = start..<min(labels.count, start + configuration.evaluate.batch)
            let made = generate(Array(labels[range])) { sampleNoise($0).samples(range) }
            _ = images.samples(range).buffer.update(fromContentsOf: made.buffer)
        }
        return images
    }

    /// Writes `samples/NAME.png`, a grid of images or a plot of points, and returns its bytes.
    private func draw(_ images: Tensor, _ labels: [Int], name: String) throws -> [UInt8] {
        let raster =
            configuration.network.isOfPoints
            ? ScatterPlot().draw([images.elements])
            : ImageGrid(columns: Self.gridColumns).draw(
                images.elements, labels: labels, rows: configuration.network.classes, height: images.shape[1],
                width: images.shape[2], channels: images.shape[3])
        return try save(raster, name: name)
    }

    /// Writes `samples/NAME.png` and returns its bytes.
    func save(_ raster: Raster, name: String) throws -> [UInt8] {
        try FileManager.default.createDirectory(atPath: folder.samples, withIntermediateDirectories: true)
        let bytes = try PNGFile.encode(raster)
        try AtomicFile.write(bytes, to: folder.samples(name))
        return bytes
    }

    /// Writes the final grids and `report.html`.
    func writeReport(_ result: EvaluationResult, _ generators: GeneratorPair, images: TrainingImages) throws {
        let labels = sampleLabels
        let realLabels = images.records.labels
        let examples = (0..<configuration.network.classes).flatMap { label in
            realLabels.indices.lazy.filter { realLabels[$0] == label }.prefix(Self.gridColumns)
        }
        let real = images.gather(Array(examples))
        let calls = result.student.networkCalls
        let grids: [(caption: String, png: [UInt8])] = [
            ("Data", try draw(real.images, real.labels, name: "data")),
            (
                "Teacher, \(result.teacher.networkCalls) network calls",
                try draw(gridImages(labels, generators.teacherImages), labels, name: "teacher")
            ),
            (
                "Student, \(counted(calls, "network call"))",
                try draw(gridImages(labels, generators.studentImages), labels, name: "student")
            ),
        ]
        try writeReport(result, pictures: grids, facts: [], student: generators.student)
    }

    /// Writes `report.html` with pictures under their captions, and facts before those of every run.
    func writeReport(
        _ result: EvaluationResult?, pictures: [(caption: String, png: [UInt8])],
        facts: [(label: String, value: String)], student: NetworkWeights
    ) throws {
        let journal = try Journal.reading(path: folder.journal)
        let common: [(label: String, value: String)] = [
            ("Student's weights", configuration.evaluate.student.yaml),
            ("Ranks", String(communicator.size)),
            ("Threads per rank", String(configuration.launch.threadsPerRank)),
            ("Weights per network", String(student.layout.parameterCount)),
        ]
        let contents = try ReportContents(
            title: "\(configuration.run.name): DMD2 distillation", runName: configuration.run.name, result: result,
            stages: StageTimes.seconds(try journal.events()).map { .init(name: $0.stage, wallSeconds: $0.seconds) },
            curves: ReportCurves.curves(journal),
            grids: pictures.map { .init(caption: $0.caption, png: $0.png) }, configuration: configuration.yaml,
            facts: (facts + common).map { .init(label: $0.label, value: $0.value) },
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
