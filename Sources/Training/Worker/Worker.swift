package import Communication
import Coordination
import Datasets
import Diffusion
import Distillation
import Evaluation
import Foundation
import Kernels
import Layers
package import Logging

/// One rank of a run: goes through the stages that are not finished yet, from the newest checkpoint of each.
///
/// The life of a step: a window of steps is granted to rank 0 and broadcast; for each update of a step every rank
/// computes its shards, the shards' gradients are summed along the tree, and every rank takes the same optimiser step.
package final class Worker {
    /// How a worker leaves.
    package enum Ending: Sendable {
        /// Every stage is complete.
        case finished
        /// Stopped on request with its state saved.
        case stopped
    }

    let configuration: RunConfiguration
    let communicator: any Communicator
    let control: any ControlLink
    let folder: RunFolderLayout
    /// The name of the machine, as the launch calls it.
    let nodeName: String
    let logger: Logger
    /// Receives the results meant for standard output, on rank 0 only.
    private let announce: (String) -> Void
    private let printsWeightsHash: Bool
    private let endSaveRetry: SaveRetry
    private let plan: StagePlan

    /// `nodeName` is the machine's name as the launch calls it; nil: the one it has itself.
    package init(
        _ configuration: RunConfiguration, communicator: any Communicator, control: any ControlLink,
        nodeName: String? = nil, printsWeightsHash: Bool,
        upTo last: StagePlan.Stage? = nil, endSaveRetry: SaveRetry = SaveRetry(), logger: Logger,
        announce: @escaping (String) -> Void
    ) {
        self.configuration = configuration
        self.communicator = communicator
        self.control = control
        self.nodeName = nodeName ?? ProcessInfo.processInfo.hostName
        self.printsWeightsHash = printsWeightsHash
        self.endSaveRetry = endSaveRetry
        self.logger = logger
        self.announce = announce
        folder = RunFolderLayout(configuration.run.folder)
        plan = StagePlan(configuration, upTo: last)
    }

    /// Runs to the end, of the run or of the last stage asked for, or to a stop.
    package func run() throws -> Ending {
        let ending = try runStages()
        if ending == .finished && communicator.rank == 0 { try control.finished() }
        return ending
    }

    private func runStages() throws -> Ending {
        let records = try configuration.data.load(configuration.network)
        let images = TrainingImages(records, seed: configuration.run.seed)
        let denoiser = Denoiser(configuration.network)
        let seed = configuration.run.seed

        let precision = try agreedPrecision()
        let placement = Placement(
            rank: communicator.rank, of: communicator.size, threads: configuration.launch.threadsPerRank, precision)
        logger.info("\(placement)")

        let trained: NetworkWeights
        if configuration.teacher.isGiven {
            trained = try givenTeacher(denoiser, precision: precision)
        } else {
            let stage = TeacherStage(
                configuration.teacher, denoiser: denoiser, precision: precision.teacher, images: images, seed: seed)
            guard try complete(stage) else { return .stopped }
            trained = stage.average
        }
        let teacher =
            switch configuration.distil.teacher {
            case .network: Teacher(denoiser: denoiser, weights: trained)
            case .closedForm: Teacher.closedForm(like: denoiser)
            }

        var judge: Judge?
        if plan.contains(.classifier) {
            let classifier = DigitClassifier(
                resolution: configuration.network.resolution, imageChannels: configuration.network.imageChannels,
                classes: configuration.network.classes)
            let (training, heldOut) = images.splitForClassifier(seed: seed)
            let stage = ClassifierStage(configuration.classifier, classifier: classifier, images: training, seed: seed)
            guard try complete(stage) else { return .stopped }
            judge = Judge(classifier: classifier, weights: stage.networks[0].optimizer.weights, heldOut: heldOut)
        }

        var pairs: TeacherPairs?
        if plan.contains(.pairs) { pairs = try preparePairs(teacher) }
        guard plan.contains(.distil) else { return .finished }

        let distilSeed = configuration.distil.seed == 0 ? seed : configuration.distil.seed
        let distillation = DistillationStage(
            configuration.distil, denoiser: denoiser, trained: trained, teacher: teacher, precision: precision,
            classes: configuration.network.classes, images: TrainingImages(records, seed: distilSeed),
            regression: pairs.map { .init(pairs: $0, distance: imageDistance(judge)) },
            evaluated: configuration.evaluate.student, seed: distilSeed)
        let bindings = ["teacher.sha256": teacher.weights.sha256]
        let isComplete = try complete(distillation, bindings: bindings) {
            judge.map { measurement(of: distillation, judge: $0, images: images) }
        }
        guard isComplete else { return .stopped }

        if plan.contains(.evaluate) {
            let generators = GeneratorPair(
                teacher: teacher, student: distillation.result, studentSampler: distillation.sampler,
                teacherSampler: HeunSampler(
                    steps: configuration.evaluate.teacherHeunSteps,
                    guidance: Float(configuration.evaluate.teacherGuidance)))
            if let judge {
                try evaluate(generators, judge: judge, images: images)
            } else {
                try evaluatePoints(generators, of: .eightModes, data: records.pixels)
            }
        }
        return .finished
    }

    /// The distance of the regression loss.
    private func imageDistance(_ judge: Judge?) -> ImageDistance {
        guard let judge, configuration.distil.regressionDistance == .features else { return meanSquaredDistance }
        return { images, targets in
            featureDistance(images, targets) { judge.classifier.features($0, .frozen(judge.weights)) }
        }
    }

    /// The configured precision, or float32 for all roles where the processor of some rank has no bfloat16 instructions:
    /// every rank must compute alike.
    private func agreedPrecision() throws -> PrecisionConfiguration {
        guard configuration.precision.usesBFloat16 else { return configuration.precision }
        var lacking: [Float] = [Processor.hasBFloat16 ? 0 : 1]
        try lacking.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
        if lacking[0] == 0 { return configuration.precision }
        if communicator.rank == 0 {
            logger.warning(
                "bfloat16 is asked for, and \(Int(lacking[0])) of \(communicator.size) ranks have no AVX512-BF16: all compute in float32"
            )
        }
        return PrecisionConfiguration()
    }

    /// What is measured of a stage at a checkpoint, where something is due. All ranks call it; rank 0 has the figures.
    typealias Measurement = (_ step: Int, _ isLast: Bool) throws -> [(name: String, value: Double)]

    /// Brings a stage to its end, from its newest checkpoint. False if the run was stopped on the way.
    ///
    /// `bindings` are hashes of what the stage was given: they are in its checkpoints, and those of others do not fit.
    /// `measuring` is called once the stage has the state that it goes on from.
    private func complete(
        _ stage: some TrainingStage, bindings: [String: String] = [:], measuring: () -> Measurement? = { nil }
    ) throws -> Bool {
        let state = StageState(networks: stage.networks)
        let nodes = try nodePlace(of: stage, state)
        let start = try restore(stage, state, nodes, bindings: bindings)
        if !start.isComplete {
            if communicator.rank == 0 {
                try control.beginStage(declaration(of: stage, startStep: start.step))
                if start.step == 0 { try drawSamples(of: stage, step: 0) }
            }
            guard try train(stage, state, nodes, bindings: bindings, from: start.step, measuring()) else {
                return false
            }
        }
        removeNodeCheckpoints(of: stage.name, nodes)
        if printsWeightsHash && communicator.rank == 0 && stage.name != "classifier" {
            announce("weights \(stage.name) sha256:\(state.weightsHash)")
        }
        return true
    }

    private func declaration(of stage: some TrainingStage, startStep: Int) -> StageDeclaration {
        StageDeclaration(
            name: stage.name, index: index(of: stage.name), count: stageCount, goal: stage.goal,
            startStep: startStep, checkpointInterval: stage.checkpointInterval,
            maximumStallShare: configuration.checkpoints.maximumStallShare,
            windowSteps: configuration.coordinator.windowSteps,
            stopAfter: configuration.run.stopAfter > 0 ? configuration.run.stopAfter : nil,
            batch: stage.batch, epochSamples: stage.epochSamples)
    }

    func index(of stage: String) -> Int { plan.names.firstIndex(of: stage) ?? 0 }
    var stageCount: Int { plan.names.count }

    /// Runs the granted windows until the stage, or the run, ends. True if the stage is complete.
    private func train(
        _ stage: some TrainingStage, _ state: StageState, _ nodes: NodePlace?, bindings: [String: String],
        from start: Int, _ measure: Measurement?
    ) throws -> Bool {
        let steps = StageSteps(stage, configuration.launch.reduction, communicator)
        let saver = makeSaver(stage)
        let shared = SharedPlace(state.tensors, store: folder.checkpoints(of: stage.name), communicator)
        var step = start
        func measuredMetadata(isLast: Bool) throws -> [String: String] {
            let figures = try measure?(step, isLast) ?? []
            if !figures.isEmpty {
                control.report(
                    ProgressReport(
                        stage: stage.name, step: step, totalSteps: stage.plannedSteps, phase: .saving,
                        metrics: figures))
            }
            return metadata(state, bindings: bindings, figures: figures, isComplete: isLast)
        }
        while true {
            let window = try nextWindow(stage.name, from: step)
            try saver.advance(at: step)
            for kind in window.kinds {
                let metrics = try steps.take(step, kind)
                step += 1
                control.report(
                    ProgressReport(
                        stage: stage.name, step: step, totalSteps: stage.plannedSteps, phase: .training,
                        metrics: metrics, images: stage.batch))
                try saver.notice()
                let ends = window.finishesStage && step == window.endStep
                if window.checkpointAfter.contains(step) && !ends {
                    try saver.begin(step: step, metadata: measuredMetadata(isLast: false), in: shared)
                    if communicator.rank == 0 { try drawSamples(of: stage, step: step) }
                } else if let nodes, step.isMultiple(of: configuration.checkpoints.nodeEverySteps), !ends,
                    !saver.isWriting
                {
                    let described = metadata(state, bindings: bindings, figures: [], isComplete: false)
                    try saver.begin(step: step, metadata: described, in: nodes)
                }
            }
            if window.finishesStage {
                try saver.saveAtEnd(
                    step: step, metadata: measuredMetadata(isLast: true), in: shared, retry: endSaveRetry)
                if communicator.rank == 0 {
                    try drawSamples(of: stage, step: step)
                    try control.stageFinished(stage.name, step: step)
                }
                return true
            }
            if window.stopsAtEnd {
                try saver.finish()
                return false
            }
        }
    }

    /// The next window, granted to rank 0 and broadcast inside the stream of collectives: all ranks switch together.
    private func nextWindow(_ stage: String, from step: Int) throws -> PlanWindow {
        let message = communicator.rank == 0 ? try control.window(stage: stage, from: step).encoded : []
        return try PlanWindow(decoding: communicator.broadcast(message: message, from: 0))
    }
}
