import Checkpoints
import Communication
import Coordination
import Datasets
import Diffusion
import Distillation
import Evaluation
import Foundation
import Layers
import Tensors

/// The networks that are compared: the teacher at many calls, the student at one or a few.
struct GeneratorPair {
    let teacher: Teacher
    let student: NetworkWeights
    let studentSampler: StudentSampler
    let teacherSampler: HeunSampler

    /// The teacher's images, by Heun's method, from the unit noise of number 0.
    func teacherImages(labels: [Int], noise: (Int) -> Tensor) -> Tensor {
        teacherSampler.sample(teacher.denoiser, teacher.weights, noise: noise(0), labels: labels)
    }

    /// The student's images, from the same noise and, with several calls, the numbers after it.
    func studentImages(labels: [Int], noise: (Int) -> Tensor) -> Tensor {
        studentSampler.sample(student, labels: labels, noise: noise)
    }
}

/// The trained classifier and the images it has not seen.
struct Judge {
    let classifier: DigitClassifier
    let weights: NetworkWeights
    let heldOut: [Int]

    /// Features and decisions of images, next to each other: `[N, features + classes]`.
    func describe(_ images: Tensor) -> [Float] {
        let (features, logits) = classifier.describe(images, weights)
        let count = images.shape[0]
        let (width, classes) = (features.count / count, logits.count / count)
        var rows: [Float] = []
        rows.reserveCapacity(count * (width + classes))
        for n in 0..<count {
            rows += features[n * width..<(n + 1) * width]
            rows += logits[n * classes..<(n + 1) * classes]
        }
        return rows
    }
}

extension Worker {
    /// Measures teacher and student against the data, and writes `evaluation.json`, sample grids and `report.html`.
    ///
    /// The batches are dealt out over the ranks; rank 0 adds up what they found in the order of the batches, so the
    /// result does not depend on their number.
    func evaluate(_ generators: GeneratorPair, judge: Judge, images: TrainingImages) throws {
        let settings = configuration.evaluate
        let batches = try beginEvaluation()

        let real = try describeRecords(images, judge)
        let teacher = try describeGenerated(
            settings.images, judge, report: { reportEvaluation(batch: $0, of: 2 * batches, images: $1) }
        ) {
            generators.teacherImages(labels: $0, noise: $1)
        }
        let student = try describeGenerated(
            settings.images, judge, report: { reportEvaluation(batch: batches + $0, of: 2 * batches, images: $1) }
        ) {
            generators.studentImages(labels: $0, noise: $1)
        }
        guard communicator.rank == 0 else { return }

        let width = DigitClassifier.featureCount
        let realStatistics = real.statistics(featureCount: width)
        func measure(_ generated: DescribedImages, networkCalls: Int) throws -> EvaluationResult.Generator {
            let (distance, agreement) = try compare(generated, with: realStatistics)
            return EvaluationResult.Generator(
                networkCalls: networkCalls, frechetDistance: distance, classAgreement: agreement,
                images: generated.labels.count)
        }
        var accuracy = ClassAgreement(classes: configuration.network.classes)
        accuracy.add(
            requested: judge.heldOut.map { real.labels[$0] },
            logits: real.logits(featureCount: width, of: judge.heldOut))
        let result = EvaluationResult(
            teacher: try measure(teacher, networkCalls: generators.teacherSampler.networkCalls),
            student: try measure(student, networkCalls: generators.studentSampler.networkCalls),
            classifier: .init(heldOutAccuracy: accuracy.share),
            features: "\(width) features of the run's classifier", seed: configuration.run.seed)
        try AtomicFile.write(result.json, to: folder.evaluation)
        try control.stageFinished("evaluate", step: 2 * batches)
        try writeReport(result, generators, images: images)
    }

    /// Declares the stage, and returns the batches of each of the two generators.
    func beginEvaluation() throws -> Int {
        let settings = configuration.evaluate
        let batches = (settings.images + settings.batch - 1) / settings.batch
        let declaration = StageDeclaration(
            name: "evaluate", index: index(of: "evaluate"), count: stageCount, goal: .tasks(count: 2 * batches),
            checkpointInterval: 0, windowSteps: 2 * batches)
        if communicator.rank == 0 { try control.beginStage(declaration) }
        return batches
    }

    /// Features, decisions and labels of a set of images.
    struct DescribedImages {
        var labels: [Int]
        /// `[N, features + classes]`.
        var rows: [Float]

        private var width: Int { rows.count / labels.count }

        func statistics(featureCount: Int) -> FeatureStatistics {
            var statistics = FeatureStatistics(featureCount: featureCount)
            statistics.add(labels.indices.flatMap { rows[$0 * width..<$0 * width + featureCount] })
            return statistics
        }

        func logits(featureCount: Int, of indices: some Collection<Int>) -> [Float] {
            indices.flatMap { rows[$0 * width + featureCount..<($0 + 1) * width] }
        }
    }

    /// Every image of the data set.
    private func describeRecords(_ images: TrainingImages, _ judge: Judge) throws -> DescribedImages {
        let labels = images.records.labels
        let rows = try dealtRows(labels.count, width: describedWidth) {
            judge.describe(images.gather(Array($0)).images)
        }
        return DescribedImages(labels: labels, rows: rows)
    }

    private var describedWidth: Int { DigitClassifier.featureCount + configuration.network.classes }

    /// Says how far the `evaluate` stage has come.
    func reportEvaluation(batch: Int, of batches: Int, images: Int) {
        control.report(
            ProgressReport(
                stage: "evaluate", step: batch + 1, totalSteps: batches, phase: .evaluating, images: images))
    }

    /// The Fréchet distance of generated images to the real ones, and how many show the class asked for.
    private func compare(
        _ generated: DescribedImages, with real: FeatureStatistics
    ) throws -> (distance: Double, agreement: Double) {
        let width = DigitClassifier.featureCount
        var agreement = ClassAgreement(classes: configuration.network.classes)
        agreement.add(
            requested: generated.labels, logits: generated.logits(featureCount: width, of: generated.labels.indices))
        return (
            try FrechetDistance.between(real, generated.statistics(featureCount: width)), agreement.share
        )
    }

    /// The first images of the evaluation, described: sample i has label i mod classes.
    private func describeGenerated(
        _ count: Int, _ judge: Judge, report: (_ batch: Int, _ images: Int) -> Void,
        generate: ([Int], (Int) -> Tensor) -> Tensor
    ) throws -> DescribedImages {
        let labels = (0..<count).map { $0 % configuration.network.classes }
        let rows = try generatedRows(
            labels, width: describedWidth, judge.describe, report: report, generate: generate)
        return DescribedImages(labels: labels, rows: rows)
    }

    /// Generates images of some labels, each from noise of its own number, and returns what `describe` makes of each:
    /// `[images, width]`, the same on all ranks. `report` is told of every batch, dealt to this rank or not.
    func generatedRows(
        _ labels: [Int], width: Int, _ describe: (Tensor) -> [Float], report: (_ batch: Int, _ images: Int) -> Void,
        generate: ([Int], (Int) -> Tensor) -> Tensor
    ) throws -> [Float] {
        let network = configuration.network
        return try dealtRows(labels.count, width: width, report: report) { range in
            let shape = Shape(range.count, network.resolution, network.resolution, network.imageChannels)
            let generated = generate(Array(labels[range])) { number in
                RandomStream(seed: configuration.run.seed, purpose: .evaluationNoise, draw: number)
                    .normal(shape, step: 0, firstSample: range.lowerBound)
            }
            return describe(generated)
        }
    }

    /// `count` rows of so many values, the same on all ranks. They are made a batch at a time, by the rank to which the
    /// batch is dealt; `report` is told of every batch, dealt to this rank or not. Collective.
    private func dealtRows(
        _ count: Int, width: Int, report: (_ batch: Int, _ images: Int) -> Void = { _, _ in },
        make: (Range<Int>) -> [Float]
    ) throws -> [Float] {
        let size = configuration.evaluate.batch
        var rows = [Float](repeating: 0, count: count * width)
        for (batch, start) in stride(from: 0, to: count, by: size).enumerated() {
            let range = start..<min(count, start + size)
            if batch % communicator.size == communicator.rank {
                rows.replaceSubrange(range.lowerBound * width..<range.upperBound * width, with: make(range))
            }
            report(batch, range.count)
        }
        // Every row is zero on all ranks but one, so the sum is exact.
        try rows.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
        return rows
    }

    /// Measures the student at the checkpoints of its stage, as `evaluate.everyStudentUpdates` asks.
    func measurement(of stage: DistillationStage, judge: Judge, images: TrainingImages) -> Measurement {
        var schedule = InLoopEvaluation(
            every: configuration.evaluate.everyStudentUpdates, goingOnFrom: stage.studentUpdates)
        var real: FeatureStatistics?
        return { [self] step, isLast in
            guard schedule.isDue(atCheckpointWith: stage.studentUpdates, isLast: isLast) else { return [] }
            let generated = try describeGenerated(
                configuration.evaluate.inLoopImages, judge,
                report: { _, _ in
                    control.report(
                        ProgressReport(
                            stage: stage.name, step: step, totalSteps: stage.plannedSteps, phase: .evaluating))
                }
            ) { stage.sampler.sample(stage.result, labels: $0, noise: $1) }
            let statistics =
                try real ?? describeRecords(images, judge).statistics(featureCount: DigitClassifier.featureCount)
            real = statistics
            guard communicator.rank == 0 else { return [] }
            let (distance, agreement) = try compare(generated, with: statistics)
            return [(CheckpointStore.distanceKey, distance), ("class_agreement", agreement)]
        }
    }
}
