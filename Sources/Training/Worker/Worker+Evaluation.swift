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
    let denoiser: Denoiser
    let teacher: NetworkWeights
    let student: NetworkWeights
    let studentSampler: StudentSampler
    let teacherSampler: HeunSampler

    /// The teacher's images, by Heun's method, from the unit noise of number 0.
    func teacherImages(labels: [Int], noise: (Int) -> Tensor) -> Tensor {
        teacherSampler.sample(denoiser, teacher, noise: noise(0), labels: labels)
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
        let batches = (settings.images + settings.batch - 1) / settings.batch
        let declaration = StageDeclaration(
            name: "evaluate", index: index(of: "evaluate"), count: stageCount, goal: .steps(count: 2 * batches),
            checkpointInterval: 0, windowSteps: 2 * batches)
        if communicator.rank == 0 { try control.beginStage(declaration) }

        let real = describeRecords(images, judge)
        let teacher = try describeGenerated(judge, images, batches: batches, reportingFrom: 0) {
            generators.teacherImages(labels: $0, noise: $1)
        }
        let student = try describeGenerated(judge, images, batches: batches, reportingFrom: batches) {
            generators.studentImages(labels: $0, noise: $1)
        }
        guard communicator.rank == 0 else { return }

        let width = DigitClassifier.featureCount
        func measure(_ rows: DescribedImages, networkCalls: Int) throws -> EvaluationResult.Generator {
            var agreement = ClassAgreement(classes: configuration.network.classes)
            agreement.add(requested: rows.labels, logits: rows.logits(featureCount: width))
            return EvaluationResult.Generator(
                networkCalls: networkCalls,
                frechetDistance: try FrechetDistance.between(
                    real.statistics(featureCount: width), rows.statistics(featureCount: width)),
                classAgreement: agreement.share, images: rows.labels.count)
        }
        var accuracy = ClassAgreement(classes: configuration.network.classes)
        let heldOutImages = images.gather(judge.heldOut)
        let decisions = judge.classifier.describe(heldOutImages.images, judge.weights).logits
        accuracy.add(requested: heldOutImages.labels, logits: decisions)
        let result = EvaluationResult(
            teacher: try measure(teacher, networkCalls: generators.teacherSampler.networkCalls),
            student: try measure(student, networkCalls: generators.studentSampler.networkCalls),
            classifier: .init(heldOutAccuracy: accuracy.share),
            features: "\(width) features of the run's classifier", seed: configuration.run.seed)
        try AtomicFile.write(result.json, to: folder.evaluation)
        try control.stageFinished("evaluate", step: 2 * batches)
        try writeReport(result, generators, images: images)
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

        func logits(featureCount: Int) -> [Float] {
            labels.indices.flatMap { rows[$0 * width + featureCount..<($0 + 1) * width] }
        }
    }

    /// Every image of the data set.
    private func describeRecords(_ images: TrainingImages, _ judge: Judge) -> DescribedImages {
        var described = DescribedImages(labels: images.records.labels, rows: [])
        let all = Array(images.records.labels.indices)
        for start in stride(from: 0, to: all.count, by: configuration.evaluate.batch) {
            let end = min(all.count, start + configuration.evaluate.batch)
            described.rows += judge.describe(images.gather(Array(all[start..<end])).images)
        }
        return described
    }

    /// Generates and describes the evaluation's images: sample i has label i mod classes and noise of its own number.
    private func describeGenerated(
        _ judge: Judge, _ images: TrainingImages, batches: Int, reportingFrom firstReport: Int,
        generate: ([Int], (Int) -> Tensor) -> Tensor
    ) throws -> DescribedImages {
        let settings = configuration.evaluate
        let classes = configuration.network.classes
        let labels = (0..<settings.images).map { $0 % classes }
        let width = DigitClassifier.featureCount + classes
        var rows = [Float](repeating: 0, count: settings.images * width)
        for batch in 0..<batches {
            let range = batch * settings.batch..<min(settings.images, (batch + 1) * settings.batch)
            if batch % communicator.size == communicator.rank {
                let generated = generate(Array(labels[range])) { number in
                    RandomStream(seed: configuration.run.seed, purpose: .evaluationNoise, draw: number)
                        .normal(images.shape(range.count), step: 0, firstSample: range.lowerBound)
                }
                let described = judge.describe(generated)
                rows.replaceSubrange(range.lowerBound * width..<range.upperBound * width, with: described)
            }
            control.report(
                ProgressReport(
                    stage: "evaluate", step: firstReport + batch + 1, totalSteps: 2 * batches, phase: .evaluating,
                    images: range.count))
        }
        // Every row is zero on all ranks but one, so the sum is exact.
        try rows.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
        return DescribedImages(labels: labels, rows: rows)
    }
}
