import Diffusion
import Distillation
import Evaluation
import Kernels
import Training

/// A run of all stages that takes a second: few steps, two images a shard.
struct TinyRun {
    let configuration: RunConfiguration

    init(folder: String = "", labelDropout: Double = 0) {
        // The suites run side by side: one core each.
        ThreadPool.configure(threadCount: 1)
        var configuration = RunConfiguration(name: "tiny")
        configuration.run.folder = folder
        configuration.coordinator.windowSteps = 2
        configuration.teacher.steps = 5
        configuration.teacher.batch = 8
        configuration.teacher.warmupSteps = 1
        configuration.teacher.labelDropout = labelDropout
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
        self.configuration = configuration
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
            configuration.distil, denoiser: denoiser, teacher: try teacherStage().average, classes: 10,
            images: try images(), seed: seed)
    }
}
