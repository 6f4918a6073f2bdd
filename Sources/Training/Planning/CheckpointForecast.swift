import Diffusion
import Distillation
import Evaluation
import Layers

/// The room that the checkpoints of a run will take, counted from the layouts of its networks.
package struct CheckpointForecast: Sendable, Equatable {
    /// The checkpoints of one stage.
    package struct Stage: Sendable, Equatable {
        package let name: String
        /// The tensors of one checkpoint; what describes them is small.
        package let bytes: Int
        /// The most there are at one time.
        package let count: Int
    }

    /// The stages that save something, in order.
    package let stages: [Stage]

    /// Bytes of all of them.
    package var total: Int { stages.reduce(0) { $0 + $1.bytes * $1.count } }

    /// The forecast of a configuration.
    package init(_ configuration: RunConfiguration) {
        let network = configuration.network
        let denoiser = Denoiser(network)
        let plan = StagePlan(configuration)
        let checkpoints = configuration.checkpoints
        let distil = configuration.distil
        var stages: [Stage] = []
        func add(_ stage: StagePlan.Stage, floats: Int, steps: Int, interval: Int, keepsBest: Bool = false) {
            guard plan.contains(stage) else { return }
            stages.append(
                Stage(
                    name: stage.rawValue, bytes: floats * MemoryLayout<Float>.size,
                    count: Self.most(
                        steps: steps, interval: interval, checkpoints, keepsBest: keepsBest)))
        }
        // Weights and two moments of everything that is trained, and the averages.
        let parameters = denoiser.layout.parameterCount
        add(
            .teacher, floats: 4 * parameters, steps: configuration.teacher.steps,
            interval: configuration.teacher.checkpointEverySteps)
        if plan.contains(.classifier) {
            let classifier = DigitClassifier(
                resolution: network.resolution, imageChannels: network.imageChannels, classes: network.classes)
            add(
                .classifier, floats: 3 * classifier.layout.parameterCount, steps: configuration.classifier.steps,
                interval: 0)
        }
        add(
            .distil,
            floats: (4 + distil.emaFurtherDecays.count) * parameters
                + 3 * CriticNetwork(denoiser, distil).layout.parameterCount,
            steps: distil.steps, interval: distil.checkpointEverySteps,
            keepsBest: configuration.evaluate.everyStudentUpdates > 0)
        self.stages = stages
    }

    /// The most checkpoints of a stage of so many steps at one time, saved at every `interval`th and at the end: those that are
    /// kept, and a new one before the oldest goes.
    static func most(
        steps: Int, interval: Int, _ configuration: CheckpointConfiguration, keepsBest: Bool
    ) -> Int {
        let saved = interval > 0 ? (steps + interval - 1) / interval : 1
        let forGood =
            configuration.keepEvery > 0 && interval > 0
            ? stride(from: interval, through: steps, by: interval).count { $0.isMultiple(of: configuration.keepEvery) }
            : 0
        return min(saved, configuration.keepLast + 1 + forGood + (keepsBest ? 1 : 0))
    }
}
