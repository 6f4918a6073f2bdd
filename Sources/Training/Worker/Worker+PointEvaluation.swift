import Checkpoints
import Communication
import Coordination
import Diffusion
import Distillation
import Evaluation
import Tensors

extension Worker {
    /// The fresh sets whose distances to the data are averaged: one alone varies by a third.
    private static let freshSets = 8

    /// Measures the points of teacher and student against the mixture that the data are of, and writes
    /// `evaluation.json`, `samples/points.png` and `report.html`. The result does not depend on the number of ranks.
    func evaluatePoints(_ generators: GeneratorPair, of mixture: GaussianMixture, data: [Float]) throws {
        let settings = configuration.evaluate
        let batches = try beginEvaluation()
        let labels = [Int](repeating: 0, count: settings.images)
        let teacher = try generatedRows(
            labels, width: mixture.dimensions, \.elements,
            report: { reportEvaluation(batch: $0, of: 2 * batches, images: $1) }
        ) {
            generators.teacherImages(labels: $0, noise: $1)
        }
        let student = try generatedRows(
            labels, width: mixture.dimensions, \.elements,
            report: { reportEvaluation(batch: batches + $0, of: 2 * batches, images: $1) }
        ) {
            generators.studentImages(labels: $0, noise: $1)
        }
        guard communicator.rank == 0 else { return }

        let modes = mixture.components.map {
            ModeCoverage.Mode(weight: $0.weight, centre: $0.mean, deviation: $0.variance.squareRoot())
        }
        let distance = EnergyDistance(to: data, dimensions: mixture.dimensions)
        func measure(_ points: [Float], networkCalls: Int) -> PointEvaluationResult.Generator {
            .init(
                networkCalls: networkCalls, coverage: ModeCoverage(of: points, modes: modes),
                energyDistance: distance.of(points))
        }
        let fresh = (1...Self.freshSets).map { set in
            distance.of(mixture.points(settings.images, seed: configuration.run.seed, set: set))
        }
        let result = PointEvaluationResult(
            student: measure(student, networkCalls: generators.studentSampler.networkCalls),
            teacher: measure(teacher, networkCalls: generators.teacherSampler.networkCalls),
            teacherKind: configuration.distil.teacher.rawValue,
            energyDistanceOfFreshData: fresh.reduce(0, +) / Double(fresh.count), modes: modes.count,
            points: settings.images, dataPoints: data.count / mixture.dimensions, seed: configuration.run.seed)
        try AtomicFile.write(result.json, to: folder.evaluation)
        try control.stageFinished("evaluate", step: 2 * batches)
        // As many points of the data as of the others, so that the panels compare.
        let shown = Array(data.prefix(settings.images * mixture.dimensions))
        let picture = try save(ScatterPlot().draw([shown, teacher, student]), name: "points")
        try writeReport(
            nil, pictures: [("Data, teacher and student", picture)],
            facts: [
                ("Modes found", "\(result.modesFound) of \(result.modes)"),
                ("Worst error of a mode's weight", NumberText.figure(result.worstWeightError)),
                ("Energy distance to the data", NumberText.figure(result.energyDistance)),
                ("The same of fresh data", NumberText.figure(result.energyDistanceOfFreshData)),
            ], student: generators.student)
    }
}
