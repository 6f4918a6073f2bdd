import Evaluation
import Journal

/// The curves of the report, from what the journal recorded.
enum ReportCurves {
    private struct Plan {
        let title: String
        let stage: String
        let scale: ReportContents.Curve.Scale
        /// The metrics of one plot, and what the legend calls them.
        let series: [(metric: String, name: String)]
        /// Left out where nothing was measured.
        var isOptional = false
    }

    private static let plans = [
        Plan(title: "Teacher: denoising loss", stage: "teacher", scale: .logarithmic, series: [("loss", "loss")]),
        Plan(
            title: "Classifier: cross-entropy", stage: "classifier", scale: .logarithmic, series: [("loss", "loss")]),
        Plan(
            title: "Distillation: student's losses", stage: "distil", scale: .linear,
            series: [
                ("loss.matching", "distribution matching"), ("loss.gan", "GAN"), ("loss.regression", "regression"),
            ]),
        Plan(
            title: "Distillation: critic's losses", stage: "distil", scale: .logarithmic,
            series: [("loss.denoising", "denoising"), ("loss.head", "head")]),
        Plan(
            title: "Distillation: the head's mean logits", stage: "distil", scale: .linear,
            series: [("logit.real", "real images"), ("logit.generated", "generated images")]),
        Plan(
            title: "Distillation: gradient norms before clipping", stage: "distil", scale: .logarithmic,
            series: [("gradient_norm.student", "student"), ("gradient_norm.critic", "critic")]),
        Plan(
            title: "Health: brightness", stage: "distil", scale: .linear,
            series: [("image.brightness", "student's images"), ("data.brightness", "real images")]),
        Plan(
            title: "Health: contrast", stage: "distil", scale: .linear,
            series: [("image.contrast", "student's images"), ("data.contrast", "real images")]),
        Plan(
            title: "Health: error on the student's images, the critic above the teacher where it lags", stage: "distil",
            scale: .logarithmic, series: [("denoising.critic", "critic"), ("denoising.teacher", "teacher")]),
        Plan(
            title: "Health: gradient norms at the image", stage: "distil", scale: .logarithmic,
            series: [("image_gradient.matching", "distribution matching"), ("image_gradient.gan", "GAN")]),
        Plan(
            title: "Distillation: Fréchet distance of the student", stage: "distil", scale: .logarithmic,
            series: [("frechet_distance", "distance")], isOptional: true),
        Plan(
            title: "Distillation: class agreement of the student", stage: "distil", scale: .linear,
            series: [("class_agreement", "agreement")], isOptional: true),
    ]

    static func curves(_ journal: Journal) throws -> [ReportContents.Curve] {
        let ratio = try ratio(journal)
        return try plans.compactMap { plan in
            let curve = try ReportContents.Curve(
                title: plan.title, scale: plan.scale,
                series: plan.series.map { metric, name in
                    try .init(
                        name: name,
                        points: journal.metric(metric, stage: plan.stage).map { (x: Double($0.step), y: $0.value) })
                })
            return plan.isOptional && curve.series.allSatisfy(\.points.isEmpty) ? nil : curve
        } + (ratio.series.first?.points.isEmpty == false ? [ratio] : [])
    }

    /// The ratio over the steps, as corners of a staircase; without a point if it never changed.
    private static func ratio(_ journal: Journal) throws -> ReportContents.Curve {
        let segments = try journal.ratios().filter { $0.stage == "distil" }
        let end = try journal.completedSteps(stage: "distil")
        let ends = segments.dropFirst().map(\.firstStep) + [max(end, segments.last?.firstStep ?? 0)]
        let corners = zip(segments, ends).flatMap { segment, end in
            [(x: Double(segment.firstStep), y: Double(segment.ratio)), (x: Double(end), y: Double(segment.ratio))]
        }
        return ReportContents.Curve(
            title: "Distillation: critic updates per student update", scale: .linear,
            series: [.init(name: "ratio", points: segments.count > 1 ? corners : [])])
    }
}
