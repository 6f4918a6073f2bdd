import Diffusion
import Distillation
import Evaluation
import Kernels
import Training

/// A run of all stages that takes a second: few steps, two images a shard.
struct TinyRun {
    let configuration: RunConfiguration

    /// `change` is applied to the configuration last.
    init(folder: String = "", _ change: (inout RunConfiguration) -> Void = { _ in }) {
        // The suites run side by side: one core each.
        ThreadPool.configure(threadCount: 1)
        var configuration = RunConfiguration(name: "tiny")
        configuration.run.folder = folder
        configuration.coordinator.windowSteps = 2
        configuration.teacher.steps = 5
        configuration.teacher.batch = 8
        configuration.teacher.warmupSteps = 1
        configuration.teacher.checkpointEverySteps = 2
        configuration.classifier.steps = 2
        configuration.classifier.batch = 8
        configuration.distil.studentUpdates = 2
        configuration.distil.ratio = 2
        configuration.distil.batch = 8
        configuration.distil.warmupUpdates = 1
        configuration.distil.checkpointEverySteps = 3
        configuration.evaluate.images = 70
        configuration.evaluate.batch = 20
        configuration.evaluate.teacherHeunSteps = 2
        change(&configuration)
        self.configuration = configuration
    }

    /// Everything that is off by default: three calls, regression on features, a head on each level, and eight shards, so
    /// that four ranks accumulate two each.
    static func allOptions(_ configuration: inout RunConfiguration) {
        configuration.distil.studentUpdates = 3
        configuration.distil.studentSigmas = [2.5, 0.9, 0.3]
        configuration.distil.regressionWeight = 0.5
        configuration.distil.regressionDistance = .features
        configuration.distil.pairs = 30
        configuration.distil.headResolutions = [8, 4]
        configuration.distil.ganMaxIndex = 700
        configuration.distil.emaFurtherDecays = [0.5, 0.9]
        configuration.evaluate.student = .furtherAverage(decay: 0.9)
        (configuration.distil.batch, configuration.distil.shards) = (16, 8)
    }

    var seed: UInt64 { configuration.run.seed }
    var denoiser: Denoiser { Denoiser(configuration.network) }

    func images() throws -> TrainingImages {
        TrainingImages(try configuration.data.load(configuration.network), seed: seed)
    }

    func teacherStage() throws -> TeacherStage {
        TeacherStage(configuration.teacher, denoiser: denoiser, images: try images(), seed: seed)
    }

    func classifierStage() throws -> ClassifierStage {
        let classifier = DigitClassifier(resolution: 8, imageChannels: 1, classes: 10)
        return ClassifierStage(configuration.classifier, classifier: classifier, images: try images(), seed: seed)
    }

    func distillationStage() throws -> DistillationStage {
        DistillationStage(
            configuration.distil, denoiser: denoiser, trained: try teacherStage().average, classes: 10,
            images: try images(), seed: seed)
    }
}
