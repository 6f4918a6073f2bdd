import Diffusion
import Distillation
import Evaluation

extension RunConfiguration {
    /// The values that a fault's cure suggests.
    static let example = RunConfiguration(name: "digits")

    /// Every key of the file, in the order in which it is written.
    static let schema: [ConfigurationKey] =
        runKeys + launchKeys + coordinatorKeys + checkpointKeys + dataKeys + networkKeys + precisionKeys + teacherKeys
        + classifierKeys
        + distilKeys + evaluateKeys

    private static let runKeys = [
        ConfigurationKey("run.name", \.run.name, .name, "the run's name"),
        ConfigurationKey(
            "run.folder", \.run.folder, .notEmpty, "where the run is kept; runs/NAME by default",
            mayChangeOnResume: true),
        ConfigurationKey("run.seed", \.run.seed, .any, "seed of every random draw"),
        ConfigurationKey(
            "run.stopAfter", \.run.stopAfter, .atLeast(0), "end each training stage after this many steps; 0: do not"),
    ]

    private static let launchKeys = [
        ConfigurationKey(
            "launch.ranks", \.launch.ranks, .atLeast(1), "worker processes; with hosts the most of them",
            mayChangeOnResume: true),
        ConfigurationKey(
            "launch.minRanks", \.launch.minRanks, .atLeast(1),
            "the fewest ranks worth running, where hosts come and go",
            mayChangeOnResume: true),
        ConfigurationKey(
            "launch.hostFile", \.launch.hostFile, .any, "file of lines NAME slots=N, read every second; empty: none",
            mayChangeOnResume: true),
        ConfigurationKey(
            "launch.discoveryScript", \.launch.discoveryScript, .any,
            "program that prints lines NAME:SLOTS, run every second; empty: none", mayChangeOnResume: true),
        ConfigurationKey(
            "launch.growAfterSeconds", \.launch.growAfterSeconds, .notNegative,
            "how long slots for more ranks must have been there before they are used", mayChangeOnResume: true),
        ConfigurationKey(
            "launch.threadsPerRank", \.launch.threadsPerRank, .atLeast(1), "threads of each worker",
            mayChangeOnResume: true),
        ConfigurationKey(
            "launch.memoryGiB", \.launch.memoryGiB, .within(0...1e6),
            "memory for the ranks of a machine, GiB; a launch predicted to need more is refused; 0: what it has",
            mayChangeOnResume: true),
        ConfigurationKey(
            "launch.mpirun", \.launch.mpirun, .notEmpty, "the mpirun program, a name or a path", mayChangeOnResume: true
        ),
        ConfigurationKey(
            "launch.reduction", \.launch.reduction, .any,
            "stable: the same bits at any number of ranks; fast: the MPI library's all-reduce"),
    ]

    private static let coordinatorKeys = [
        ConfigurationKey(
            "coordinator.endpoint", \.coordinator.endpoint, .endpoint, "ZeroMQ address; * takes any free port",
            mayChangeOnResume: true),
        ConfigurationKey(
            "coordinator.keys", \.coordinator.keys, .any, "folder of CURVE keys; empty: none, this machine only",
            mayChangeOnResume: true),
        ConfigurationKey(
            "coordinator.address", \.coordinator.address, .hostOrEmpty,
            "name or address by which workers reach this machine; empty: the endpoint's, or the machine's name",
            mayChangeOnResume: true),
        ConfigurationKey(
            "coordinator.httpEndpoint", \.coordinator.httpEndpoint, .httpEndpointOrEmpty,
            "where /metrics and the other pages are served, such as 127.0.0.1:9464; empty: nowhere",
            mayChangeOnResume: true),
        ConfigurationKey(
            "coordinator.httpToken", \.coordinator.httpToken, .any,
            "file with the token that /metrics and /status ask for; empty: none, this machine only",
            mayChangeOnResume: true),
        ConfigurationKey(
            "coordinator.maxRestartsWithoutProgress", \.coordinator.maxRestartsWithoutProgress, .atLeast(0),
            "restarts without a new checkpoint before giving up", mayChangeOnResume: true),
        ConfigurationKey(
            "coordinator.windowSteps", \.coordinator.windowSteps, .atLeast(1), "steps granted at a time",
            mayChangeOnResume: true),
    ]

    private static let checkpointKeys = [
        ConfigurationKey(
            "checkpoints.keepLast", \.checkpoints.keepLast, .atLeast(2),
            "newest checkpoints of a stage that are kept, each of which verifies", mayChangeOnResume: true),
        ConfigurationKey(
            "checkpoints.keepEvery", \.checkpoints.keepEvery, .atLeast(0),
            "those at multiples of so many steps are kept for good; 0: none", mayChangeOnResume: true),
        ConfigurationKey(
            "checkpoints.maximumStallShare", \.checkpoints.maximumStallShare, .within(0...1),
            "share of the time for which saves may hold steps up: dearer ones are made more rarely; 0: no limit",
            mayChangeOnResume: true),
        ConfigurationKey(
            "checkpoints.nodeFolder", \.checkpoints.nodeFolder, .pathOnHostOrEmpty,
            "folder on each machine's own disk for saves in between, such as /scratch/{host}; empty: none",
            mayChangeOnResume: true),
        ConfigurationKey(
            "checkpoints.nodeEverySteps", \.checkpoints.nodeEverySteps, .atLeast(0), "steps between saves there",
            mayChangeOnResume: true),
    ]

    private static let dataKeys = [
        ConfigurationKey(
            "data.source", \.data.source, .any,
            "digits, mixture2d, or the path of a csv.gz file or an IDX file of images"),
        ConfigurationKey(
            "data.labels", \.data.labels, .any, "the path of the IDX file of labels, for images in an IDX file"),
        ConfigurationKey("data.resolution", \.network.resolution, .atLeast(1), "height and width of an image, pixels"),
        ConfigurationKey(
            "data.imageChannels", \.network.imageChannels, .atLeast(1),
            "1 grey, 3 colour; others for points only"),
        ConfigurationKey("data.classes", \.network.classes, .atLeast(1), "number of labels"),
    ]

    private static let networkKeys = [
        ConfigurationKey(
            "network.type", \.network.backbone, .any, "the U-Net: ADM, DDPM++ or NCSN++; mlp: linear layers"),
        ConfigurationKey(
            "network.conditional", \.network.conditional, .any,
            "true: labels enter the network; false: they are ignored"),
        ConfigurationKey("network.channels", \.network.channels, .multiple(of: 8), "channels before the multiplier"),
        ConfigurationKey(
            "network.channelMultipliers", \.network.channelMultipliers, .notEmpty, "one per level, finest first"),
        ConfigurationKey(
            "network.channelMultiplierEmbedding", \.network.channelMultiplierEmbedding, .atLeast(1),
            "embedding width in multiples of channels"),
        ConfigurationKey("network.blocks", \.network.blocks, .atLeast(1), "residual blocks per level"),
        ConfigurationKey(
            "network.attentionResolutions", \.network.attentionResolutions, .positiveElements,
            "resolutions with self-attention"),
        ConfigurationKey(
            "network.sigmaData", \.network.sigmaData, .positive, "standard deviation of the images in -1...1"),
        ConfigurationKey(
            "network.prediction", \.network.prediction, .any,
            "the network's output: the image as EDM has it, the noise, v, or the flow's velocity"),
        ConfigurationKey(
            "network.noiseSchedule", \.network.noiseSchedule, .any,
            "the 1000 noise levels: EDM's, Stable Diffusion's, or the linear path's"),
    ]

    private static let precisionKeys = [
        ConfigurationKey("precision.teacher", \.precision.teacher, .any, "the teacher's activations"),
        ConfigurationKey("precision.student", \.precision.student, .any, "the student's activations"),
        ConfigurationKey("precision.critic", \.precision.critic, .any, "the critic's activations, its head left out"),
    ]

    private static let teacherKeys = [
        ConfigurationKey(
            "teacher.weights", \.teacher.weights, .any,
            "safetensors file of a teacher that is not to be trained; empty: train one", mayChangeOnResume: true),
        ConfigurationKey(
            "teacher.weightsSHA256", \.teacher.weightsSHA256, .hashOrEmpty,
            "hash of that file, filled in if empty: the run stays with this teacher"),
        ConfigurationKey("teacher.steps", \.teacher.steps, .atLeast(1), "updates"),
        ConfigurationKey("teacher.batch", \.teacher.batch, .atLeast(1), "images per update, over all ranks"),
        ConfigurationKey("teacher.shards", \.teacher.shards, .powerOfTwo, "logical shards of a batch"),
        ConfigurationKey("teacher.learningRate", \.teacher.learningRate, .positive, "of AdamW"),
        ConfigurationKey("teacher.weightDecay", \.teacher.weightDecay, .notNegative, "of AdamW"),
        ConfigurationKey("teacher.warmupSteps", \.teacher.warmupSteps, .atLeast(0), "updates of linear warm-up"),
        ConfigurationKey(
            "teacher.decayFraction", \.teacher.decayFraction, .within(0...1), "final part with a falling learning rate"),
        ConfigurationKey(
            "teacher.maxGradientNorm", \.teacher.maxGradientNorm, .positive, "longer gradients are clipped"),
        ConfigurationKey(
            "teacher.logSigmaMean", \.teacher.logSigmaMean, .any, "mean of ln sigma, the training noise of karras"),
        ConfigurationKey(
            "teacher.logSigmaDeviation", \.teacher.logSigmaDeviation, .positive, "standard deviation of ln sigma"),
        ConfigurationKey(
            "teacher.labelDropout", \.teacher.labelDropout, .belowOne,
            "share of labels left out in training, for guidance; 0: none"),
        ConfigurationKey(
            "teacher.emaHalfLifeImages", \.teacher.emaHalfLifeImages, .atLeast(1), "half-life of the moving average"),
        ConfigurationKey(
            "teacher.checkpointEverySteps", \.teacher.checkpointEverySteps, .atLeast(1), "updates between checkpoints"),
    ]

    private static let classifierKeys = [
        ConfigurationKey("classifier.steps", \.classifier.steps, .atLeast(1), "updates"),
        ConfigurationKey("classifier.batch", \.classifier.batch, .atLeast(1), "images per update, over all ranks"),
        ConfigurationKey("classifier.shards", \.classifier.shards, .powerOfTwo, "logical shards of a batch"),
        ConfigurationKey("classifier.learningRate", \.classifier.learningRate, .positive, "of AdamW"),
    ]

    private static let distilKeys = [
        ConfigurationKey(
            "distil.teacher", \.distil.teacher, .any,
            "what the student is to match: the teacher's network, or the data's exact denoiser (closedForm)"),
        ConfigurationKey("distil.studentUpdates", \.distil.studentUpdates, .atLeast(1), "updates of the student"),
        ConfigurationKey("distil.seed", \.distil.seed, .any, "seed of the distillation's draws; 0: run.seed"),
        ConfigurationKey("distil.batch", \.distil.batch, .atLeast(1), "images per update, over all ranks"),
        ConfigurationKey("distil.shards", \.distil.shards, .powerOfTwo, "logical shards of a batch"),
        ConfigurationKey(
            "distil.ratio", \.distil.ratio, .ratio, "critic updates per student update; auto: found while training"),
        ConfigurationKey(
            "distil.criticWarmupUpdates", \.distil.criticWarmupUpdates, .atLeast(0),
            "updates of the critic alone before the first student update"),
        ConfigurationKey(
            "distil.studentSigmas", \.distil.studentSigmas, .descending,
            "noise levels of the student's calls; one makes a one-step student"),
        ConfigurationKey(
            "distil.studentInput", \.distil.studentInput, .any, "what a call after the first is trained on"),
        ConfigurationKey(
            "distil.teacherGuidance", \.distil.teacherGuidance, .notNegative,
            "guidance of the teacher in the matching loss, uncond + scale (cond - uncond); 1: none"),
        ConfigurationKey("distil.minIndex", \.distil.minIndex, .within(0...999), "lowest noise index matched"),
        ConfigurationKey("distil.maxIndex", \.distil.maxIndex, .within(0...999), "highest noise index matched"),
        ConfigurationKey("distil.studentLearningRate", \.distil.studentLearningRate, .positive, "of AdamW, student"),
        ConfigurationKey(
            "distil.criticLearningRate", \.distil.criticLearningRate, .positive, "of AdamW, critic and head"),
        ConfigurationKey("distil.beta1", \.distil.beta1, .belowOne, "decay of AdamW's first moment"),
        ConfigurationKey("distil.beta2", \.distil.beta2, .belowOne, "decay of AdamW's second moment"),
        ConfigurationKey("distil.weightDecay", \.distil.weightDecay, .notNegative, "of AdamW"),
        ConfigurationKey(
            "distil.matchingWeight", \.distil.matchingWeight, .notNegative,
            "distribution matching in the student's loss; 0: the GAN alone"),
        ConfigurationKey(
            "distil.regressionWeight", \.distil.regressionWeight, .notNegative,
            "DMD's regression loss in the student's loss; 0: none"),
        ConfigurationKey(
            "distil.regressionDistance", \.distil.regressionDistance, .any,
            "between the student's and the teacher's image"
        ),
        ConfigurationKey("distil.pairs", \.distil.pairs, .atLeast(0), "noise-image pairs for the regression loss"),
        ConfigurationKey(
            "distil.ganWeight", \.distil.ganWeight, .notNegative, "GAN loss in the student's loss; 0: no GAN"),
        ConfigurationKey(
            "distil.criticGanWeight", \.distil.criticGanWeight, .notNegative, "GAN loss in the critic's loss"),
        ConfigurationKey(
            "distil.ganMaxIndex", \.distil.ganMaxIndex, .within(1...1000),
            "the head judges images at noise indices below this; 1: clean ones"),
        ConfigurationKey(
            "distil.headResolutions", \.distil.headResolutions, .positiveElements,
            "encoder resolutions with a head each; none: one head, on the bottleneck"),
        ConfigurationKey("distil.headGroups", \.distil.headGroups, .atLeast(1), "groups of the head's group norm"),
        ConfigurationKey("distil.maxGradientNorm", \.distil.maxGradientNorm, .positive, "longer gradients are clipped"),
        ConfigurationKey("distil.warmupUpdates", \.distil.warmupUpdates, .atLeast(0), "updates of linear warm-up"),
        ConfigurationKey(
            "distil.decayFraction", \.distil.decayFraction, .within(0...1),
            "final part with a falling learning rate, the student's"),
        ConfigurationKey(
            "distil.criticDecayFraction", \.distil.criticDecayFraction, .within(0...1), "the same of the critic's rate"),
        ConfigurationKey("distil.emaDecay", \.distil.emaDecay, .belowOne, "moving average, per student update"),
        ConfigurationKey(
            "distil.emaFurtherDecays", \.distil.emaFurtherDecays, .decays, "more moving averages, kept beside it"),
        ConfigurationKey(
            "distil.checkpointEverySteps", \.distil.checkpointEverySteps, .atLeast(1),
            "critic updates between checkpoints"),
    ]

    private static let evaluateKeys = [
        ConfigurationKey(
            "evaluate.images", \.evaluate.images, .atLeast(DigitClassifier.featureCount + 1),
            "images of the teacher and of the student; more than the classifier has features"),
        ConfigurationKey(
            "evaluate.teacherHeunSteps", \.evaluate.teacherHeunSteps, .atLeast(2), "n steps are 2n - 1 network calls"),
        ConfigurationKey(
            "evaluate.teacherGuidance", \.evaluate.teacherGuidance, .notNegative,
            "guidance of the teacher's sampling; 1: none, others double the network calls"),
        ConfigurationKey("evaluate.batch", \.evaluate.batch, .atLeast(1), "images at a time on one rank"),
        ConfigurationKey(
            "evaluate.student", \.evaluate.student, .any,
            "the student's weights in grids and evaluation: average, raw, or one of distil.emaFurtherDecays",
            mayChangeOnResume: true),
        ConfigurationKey(
            "evaluate.everyStudentUpdates", \.evaluate.everyStudentUpdates, .atLeast(0),
            "measure the student at the first checkpoint after so many of its updates; 0: only in the end"),
        ConfigurationKey(
            "evaluate.inLoopImages", \.evaluate.inLoopImages, .atLeast(DigitClassifier.featureCount + 1),
            "images of such a measurement"),
    ]
}
