import Diffusion
import Distillation
import Messaging

extension RunConfiguration {
    /// Every condition on several keys.
    static let relations: [ConfigurationRelation] =
        shardRelations + coordinatorRelations + [
            ConfigurationRelation("launch.minRanks", ["launch.ranks"]) {
                $0.launch.minRanks > $0.launch.ranks
                    ? "\($0.launch.minRanks) is greater than launch.ranks (\($0.launch.ranks)); lower it" : nil
            },
            ConfigurationRelation("checkpoints.nodeFolder", ["checkpoints.nodeEverySteps"]) {
                switch ($0.checkpoints.nodeFolder.isEmpty, $0.checkpoints.nodeEverySteps > 0) {
                case (false, false): "is never written to; set checkpoints.nodeEverySteps too, or leave it out"
                case (true, true): "is empty, and checkpoints.nodeEverySteps asks for saves there; set it"
                default: nil
                }
            },
            ConfigurationRelation("distil.minIndex", ["distil.maxIndex"]) {
                $0.distil.minIndex > $0.distil.maxIndex
                    ? "\($0.distil.minIndex) is greater than distil.maxIndex (\($0.distil.maxIndex)); lower it" : nil
            },
            ConfigurationRelation("teacher.weightsSHA256", ["teacher.weights"]) {
                $0.teacher.weightsSHA256.isEmpty || $0.teacher.isGiven
                    ? nil : "is a hash without a file; set teacher.weights too, or leave it out"
            },
            ConfigurationRelation("network.prediction", ["network.type"]) {
                [.ncsnpp, .mlp].contains($0.network.backbone) && $0.network.prediction != .edm
                    ? "\($0.network.prediction.yaml) tells the network times up to 1000, of which the embedding of "
                        + "\($0.network.backbone.rawValue) makes noise; use edm, or network.type ddpmpp or adm" : nil
            },
            ConfigurationRelation("distil.teacherGuidance", guidanceKeys) {
                guidanceProblem($0, scale: $0.distil.teacherGuidance)
            },
            ConfigurationRelation("evaluate.teacherGuidance", guidanceKeys) {
                guidanceProblem($0, scale: $0.evaluate.teacherGuidance)
            },
            ConfigurationRelation("teacher.labelDropout", ["network.conditional"]) {
                $0.teacher.labelDropout > 0 && !$0.network.conditional
                    ? "\($0.teacher.labelDropout.yaml) of the labels cannot be left out of a network without labels; "
                        + "use 0, or network.conditional true" : nil
            },
            ConfigurationRelation("distil.ratio", ["distil.matchingWeight"]) {
                $0.distil.ratio == .automatic && $0.distil.matchingWeight == 0
                    ? "auto goes by how well the critic denoises, and distil.matchingWeight is 0; use a number" : nil
            },
            ConfigurationRelation("distil.studentInput", ["distil.studentSigmas"]) {
                $0.distil.studentInput == .noisedData && $0.distil.studentSigmas.count == 1
                    ? "noisedData concerns calls after the first, and distil.studentSigmas has one; leave it out" : nil
            },
            ConfigurationRelation("evaluate.student", ["distil.emaFurtherDecays"]) {
                guard case .furtherAverage(let decay) = $0.evaluate.student,
                    !$0.distil.emaFurtherDecays.contains(decay)
                else { return nil }
                return
                    "\(decay.yaml) is none of distil.emaFurtherDecays (\($0.distil.emaFurtherDecays.yaml)); add it there"
            },
            ConfigurationRelation("data.resolution", ["network.channelMultipliers"], resolutionProblem),
            ConfigurationRelation("data.resolution", ["data.source"], classifierProblem),
            ConfigurationRelation("network.attentionResolutions", networkSizeKeys, attentionProblem),
            ConfigurationRelation(
                "network.channels", ["network.type", "network.channelMultipliers"], groupNormProblem),
            ConfigurationRelation("network.channelMultipliers", networkSizeKeys + ["distil.headGroups"], headProblem),
            ConfigurationRelation(
                "distil.headResolutions", networkSizeKeys + ["distil.headGroups"], headResolutionsProblem),
            ConfigurationRelation("distil.matchingWeight", ["distil.ganWeight"]) {
                $0.distil.matchingWeight == 0 && !$0.distil.usesGAN
                    ? "0 beside distil.ganWeight 0 leaves the critic nothing to do; make one of them positive" : nil
            },
            ConfigurationRelation("distil.criticGanWeight", ["distil.ganWeight"]) {
                $0.distil.usesGAN && $0.distil.criticGanWeight == 0
                    ? "0 would leave the head untrained; make it positive, or distil.ganWeight 0 too" : nil
            },
            ConfigurationRelation("distil.pairs", ["distil.regressionWeight"]) {
                $0.distil.regressionWeight > 0 && $0.distil.pairs == 0
                    ? "0, and distil.regressionWeight is \($0.distil.regressionWeight.yaml): regression needs pairs"
                    : nil
            },
            ConfigurationRelation("distil.studentSigmas", ["distil.regressionWeight", "network.noiseSchedule"]) {
                let (first, smallest) = ($0.distil.studentSigmas[0], Double($0.network.noiseSchedule.sigma(0)))
                return $0.distil.regressionWeight > 0 && first <= smallest
                    ? "the teacher cannot sample from \(first.yaml) down to \(smallest.yaml), the smallest noise level"
                    : nil
            },
            ConfigurationRelation("network.channelMultipliers", ["network.type"]) {
                $0.network.backbone == .mlp && $0.network.channelMultipliers != [1]
                    ? "an mlp has no levels; write [1], and choose network.channels" : nil
            },
            ConfigurationRelation(
                "data.source", ["data.resolution", "data.imageChannels", "data.classes"], builtInDataProblem),
            ConfigurationRelation("data.imageChannels", ["data.source"]) {
                [1, 3].contains($0.network.imageChannels) || $0.data.source == .mixture2d
                    ? nil : "\($0.network.imageChannels) channels make no picture; use 1 (grey) or 3 (colour)"
            },
            ConfigurationRelation("data.labels", ["data.source"]) {
                $0.data.source.isBuiltIn && !$0.data.labels.isEmpty
                    ? "goes with an IDX file in data.source, not with built-in data; leave it out" : nil
            },
            ConfigurationRelation("evaluate.everyStudentUpdates", ["data.source"]) {
                $0.evaluate.everyStudentUpdates > 0 && $0.data.source == .mixture2d
                    ? "is for images, which the run's classifier judges; leave it out" : nil
            },
            ConfigurationRelation("distil.teacher", ["data.source"]) {
                $0.distil.teacher == .closedForm && $0.data.source != .mixture2d
                    ? "only mixture2d has a density in closed form; use network, or data.source: mixture2d" : nil
            },
            ConfigurationRelation("distil.regressionDistance", ["distil.regressionWeight", "data.source"]) {
                $0.distil.regressionWeight > 0 && $0.distil.regressionDistance == .features
                    && $0.data.source == .mixture2d
                    ? "features are the classifier's, which judges images; use mse" : nil
            },
        ]

    private static let coordinatorRelations = [
        ConfigurationRelation("coordinator.endpoint", ["coordinator.keys"]) {
            guard let endpoint = try? Endpoint($0.coordinator.endpoint), !endpoint.isLoopback else { return nil }
            return $0.coordinator.keys.isEmpty ? MessagingError.notLoopback($0.coordinator.endpoint).description : nil
        },
        ConfigurationRelation("coordinator.address", ["coordinator.endpoint"]) {
            guard !$0.coordinator.address.isEmpty, let endpoint = try? Endpoint($0.coordinator.endpoint),
                endpoint.isLoopback
            else { return nil }
            return "coordinator.endpoint (\(endpoint)) is reached from this machine only, by no other address; "
                + "use tcp://0.0.0.0:* there, or leave coordinator.address out"
        },
        ConfigurationRelation("coordinator.httpEndpoint", ["coordinator.httpToken"]) {
            guard let endpoint = HTTPEndpoint($0.coordinator.httpEndpoint), !endpoint.isLoopback,
                $0.coordinator.httpToken.isEmpty
            else { return nil }
            return "\(endpoint) is reachable from other machines and asks for no token; use 127.0.0.1:PORT, or set "
                + "coordinator.httpToken (dmd2 keys new FOLDER makes FOLDER/http.token)"
        },
        ConfigurationRelation("coordinator.httpToken", ["coordinator.httpEndpoint"]) {
            $0.coordinator.httpEndpoint.isEmpty && !$0.coordinator.httpToken.isEmpty
                ? "no page asks for it, since coordinator.httpEndpoint is empty; set that, or leave this out" : nil
        },
    ]

    private static let networkSizeKeys = [
        "data.resolution", "network.type", "network.channels", "network.channelMultipliers",
        "network.attentionResolutions",
    ]

    private static let guidanceKeys = ["network.conditional", "teacher.labelDropout"]

    /// Guidance needs a teacher that denoises with a label and without.
    private static func guidanceProblem(_ configuration: RunConfiguration, scale: Double) -> String? {
        if scale == 1 { return nil }
        if !configuration.network.conditional {
            return "\(scale.yaml) would guide an unconditional teacher; use 1, or network.conditional true"
        }
        if configuration.teacher.labelDropout == 0 {
            return "\(scale.yaml) would guide a teacher that never denoised without a label; use 1, or "
                + "teacher.labelDropout 0.1"
        }
        return nil
    }

    private static let shardRelations =
        shardRelations(stage: "teacher", batch: { $0.teacher.batch }, shards: { $0.teacher.shards })
        + shardRelations(stage: "classifier", batch: { $0.classifier.batch }, shards: { $0.classifier.shards })
        + shardRelations(stage: "distil", batch: { $0.distil.batch }, shards: { $0.distil.shards })

    private static func shardRelations(
        stage: String, batch: @escaping @Sendable (RunConfiguration) -> Int,
        shards: @escaping @Sendable (RunConfiguration) -> Int
    ) -> [ConfigurationRelation] {
        let batchIsWholeShards = ConfigurationRelation("\(stage).batch", ["\(stage).shards"]) {
            let (batch, shards) = (batch($0), shards($0))
            guard !batch.isMultiple(of: shards) else { return nil }
            return "\(batch) is not divisible by \(stage).shards (\(shards)); use a multiple of \(shards)"
        }
        let ranksFit = ConfigurationRelation("launch.ranks", ["\(stage).shards"]) {
            let (ranks, shards) = ($0.launch.ranks, shards($0))
            guard ranks > shards else { return nil }
            return
                "\(ranks) ranks are more than \(stage).shards (\(shards)); use at most \(shards) ranks or more shards"
        }
        return [batchIsWholeShards, ranksFit]
    }

    /// Every level halves the resolution exactly.
    @Sendable private static func resolutionProblem(_ configuration: RunConfiguration) -> String? {
        let network = configuration.network
        let levels = network.channelMultipliers.count
        guard levels <= 16, network.resolution.isMultiple(of: 1 << (levels - 1)) else {
            return
                "\(network.resolution) cannot be halved \(levels - 1) times for \(levels) network.channelMultipliers; "
                + "use another resolution or fewer multipliers"
        }
        return nil
    }

    /// Attention happens at resolutions that exist, in ADM with heads of 64 channels or slightly more; the bottleneck has
    /// it.
    @Sendable private static func attentionProblem(_ configuration: RunConfiguration) -> String? {
        guard resolutionProblem(configuration) == nil else { return nil }
        let network = configuration.network
        if network.backbone == .mlp {
            return network.attentionResolutions.isEmpty ? nil : "an mlp has no attention; write []"
        }
        if let absent = network.attentionResolutions.first(where: { !network.resolutions.contains($0) }) {
            return "\(absent) does not occur; the network has \(network.resolutions.yaml)"
        }
        guard network.backbone == .adm else { return nil }
        for (resolution, channels) in zip(network.resolutions, network.levelChannels) {
            let attends =
                network.attentionResolutions.contains(resolution) || resolution == network.bottleneckResolution
            let heads = channels / 64
            if attends && (heads == 0 || !channels.isMultiple(of: heads)) {
                return "\(channels) channels at resolution \(resolution) are not whole attention heads; "
                    + "make network.channels times its multiplier a multiple of 64"
            }
        }
        return nil
    }

    /// Group norm splits every layer evenly: into groups of 4 up to 128 channels, beyond that into 32 groups.
    @Sendable private static func groupNormProblem(_ configuration: RunConfiguration) -> String? {
        let network = configuration.network
        guard network.backbone != .mlp else { return nil }
        let levels = [network.channels] + network.levelChannels
        // The decoder joins its stream with a skip of the same level or of the one above.
        let joined = levels.map { 2 * $0 } + zip(levels, levels.dropFirst()).map { $0 + $1 }
        guard let uneven = (levels + joined).first(where: { $0 > 128 && !$0.isMultiple(of: 32) }) else { return nil }
        return "makes a layer of \(uneven) channels, which group norm cannot split into 32 groups; "
            + "use a multiple of 32, or fewer channels"
    }

    /// The discriminator head halves the bottleneck down to 4x4, with its own groups in its norm; an mlp's is one pixel.
    @Sendable private static func headProblem(_ configuration: RunConfiguration) -> String? {
        guard resolutionProblem(configuration) == nil else { return nil }
        let (bottleneck, channels) = (
            configuration.network.bottleneckResolution, configuration.network.bottleneckChannels
        )
        let isHalvable = bottleneck >= 4 && bottleneck & (bottleneck - 1) == 0
        guard isHalvable || configuration.network.backbone == .mlp else {
            return "the coarsest resolution is \(bottleneck), which the discriminator head cannot halve down to 4; "
                + "change the number of multipliers or data.resolution"
        }
        guard channels.isMultiple(of: configuration.distil.headGroups) else {
            return
                "the coarsest level has \(channels) channels, which the discriminator head cannot split into "
                + "distil.headGroups (\(configuration.distil.headGroups)); make one a multiple of the other"
        }
        return nil
    }

    /// Heads sit on levels the encoder has, once each, and split their channels evenly.
    @Sendable private static func headResolutionsProblem(_ configuration: RunConfiguration) -> String? {
        guard resolutionProblem(configuration) == nil, headProblem(configuration) == nil else { return nil }
        let (network, wanted) = (configuration.network, configuration.distil.headResolutions)
        let channels = network.encoderChannels
        let groups = configuration.distil.headGroups
        for (place, resolution) in wanted.enumerated() {
            guard let channels = channels[resolution] else {
                return "\(resolution) does not occur; the network has \(network.resolutions.yaml)"
            }
            if wanted[..<place].contains(resolution) { return "\(resolution) is given twice" }
            if !channels.isMultiple(of: groups) {
                return "the level of \(resolution) has \(channels) channels, which a head cannot split into "
                    + "distil.headGroups (\(groups)); leave it out or change one of them"
            }
        }
        return nil
    }

    /// Images are judged by a classifier that takes no smaller ones; points are not.
    @Sendable private static func classifierProblem(_ configuration: RunConfiguration) -> String? {
        configuration.network.resolution < 4 && configuration.data.source != .mixture2d
            ? "\(configuration.network.resolution) is less than 4, the smallest image the classifier takes; use 4 or more"
            : nil
    }

    @Sendable private static func builtInDataProblem(_ configuration: RunConfiguration) -> String? {
        let network = configuration.network
        let found = "not \(network.resolution)x\(network.resolution), \(network.imageChannels), \(network.classes)"
        switch configuration.data.source {
        case .digits where network.resolution != 8 || network.imageChannels != 1 || network.classes != 10:
            return "digits are 8x8, 1 channel, 10 classes, \(found); "
                + "leave data.resolution, imageChannels and classes out"
        case .mixture2d where network.resolution != 1 || network.imageChannels != 2 || network.classes != 1:
            return "points of mixture2d are 1x1, 2 channels, 1 class, \(found); "
                + "set data.resolution, imageChannels and classes so"
        default: return nil
        }
    }
}
