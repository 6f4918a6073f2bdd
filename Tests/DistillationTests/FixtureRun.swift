import Diffusion
import Distillation
import Kernels
import Layers
import Tensors

/// Replays a fixture: the same weights and draws through our networks, losses and optimisers.
struct FixtureRun {
    private let fixture: Fixture
    private let description: FixtureDescription
    private let configuration: FixtureDescription.Configuration
    private let step: DistillationStep
    private let networks: DistillationStep.Networks
    private(set) var comparison = Comparison()

    /// Throws: if the fixture needs what we do not have, or its weights are not our network's.
    init(_ fixture: Fixture) throws {
        self.fixture = fixture
        description = fixture.description
        configuration = description.configuration.value
        let critic = CriticNetwork(try configuration.denoiser())
        step = DistillationStep(
            critic, studentSigmas: [configuration.studentSigma], studentGANWeight: configuration.studentGANWeight,
            criticGANWeight: configuration.criticGANWeight)
        networks = DistillationStep.Networks(
            teacher: NetworkWeights(critic.denoiser.layout), student: NetworkWeights(critic.denoiser.layout),
            critic: NetworkWeights(critic.layout))
        for (role, weights) in roles { weights.fill(from: description, as: role) }
        try checkWeightList()
    }

    private var roles: [(FixtureRole, NetworkWeights)] {
        [(.teacher, networks.teacher), (.student, networks.student), (.critic, networks.critic)]
    }

    /// The fixture's weights and ours have the same names and shapes; only an untrained head may be missing.
    private func checkWeightList() throws {
        var left = description.weights
        for (role, weights) in roles {
            for entry in weights.layout.entries {
                let name = role.fixtureName(entry.name)
                guard let shape = left.removeValue(forKey: name) else {
                    if !configuration.trainsHead && name.hasPrefix("head.") { continue }
                    throw FixtureError("the fixture has no weight \(name)")
                }
                guard shape == entry.shape else {
                    throw FixtureError("\(name) is \(shape), our network's is \(entry.shape)")
                }
            }
        }
        if let name = left.keys.min() { throw FixtureError("our networks have no weight \(name)") }
    }

    /// Compares everything the fixture holds.
    mutating func run() throws {
        try compareProbe()
        let student = NetworkOptimizer(networks.student, optimizerConfiguration, keepsAverage: false)
        let critic = NetworkOptimizer(networks.critic, optimizerConfiguration, keepsAverage: false)
        for iteration in description.iterations.indices { try compare(iteration: iteration, student, critic) }
        try compareFinalWeights()
        if !fixture.unread.isEmpty {
            throw FixtureError("nothing was compared with \(fixture.unread.sorted().joined(separator: ", "))")
        }
    }

    private var optimizerConfiguration: AdamWConfiguration {
        let optimizer = configuration.optimizer.value
        var result = AdamWConfiguration()
        (result.beta1, result.beta2) = (optimizer.betas[0], optimizer.betas[1])
        (result.epsilon, result.weightDecay) = (optimizer.epsilon, optimizer.weightDecay)
        result.maxGradientNorm = optimizer.maxGradientNorm
        return result
    }

    /// The teacher at several noise levels, on real images of the first iteration and with their labels.
    private mutating func compareProbe() throws {
        let noisy = Variable(try fixture.images("probe.noisy"))
        let sigma = try fixture.values("probe.sigma", count: noisy.shape[0]).map { Float($0) }
        let labels = try fixture.labels("it0.real_labels", count: noisy.shape[0])
        let teacher = BoundWeights.frozen(networks.teacher)
        let denoised = step.denoiser(noisy, sigma: sigma, labels: labels, teacher)
        try compare(.images, "probe.denoised", denoised.value)
        if fixture.contains("probe.bottleneck") {
            let bottleneck = step.denoiser.bottleneck(noisy, sigma: sigma, labels: labels, teacher)
            try compare(.images, "probe.bottleneck", bottleneck.value)
        }
        guard Processor.hasBFloat16 else { return }
        let rounded = BoundWeights.frozen(networks.teacher.copied(precision: .bfloat16))
        let images = step.denoiser(noisy, sigma: sigma, labels: labels, rounded).value.elements.map { Double($0) }
        let expected = try fixture.images("probe.denoised").elements.map { Double($0) }
        comparison.check(.bfloat16, "probe.denoised in bfloat16", images, expected)
    }

    /// One iteration in the official order: the student's turn, then the critic's on the same images.
    private mutating func compare(
        iteration: Int, _ studentOptimizer: NetworkOptimizer, _ criticOptimizer: NetworkOptimizer
    ) throws {
        let expected = description.iterations[iteration].value
        let prefix = "it\(iteration)."
        let draws = try fixture.draws(iteration: iteration)
        guard expected.isStudentTurn == iteration.isMultiple(of: configuration.ratio) else {
            throw FixtureError("\(prefix)student_turn contradicts ratio \(configuration.ratio)")
        }
        let images: Tensor
        if expected.isStudentTurn {
            let gradient = Tensor(repeating: 0, networks.student.values.shape)
            let result = step.studentGradient(draws, networks, gradient: gradient)
            images = result.images
            if let matching = result.matching {
                try compare(.images, prefix + "teacher_denoised", matching.teacherDenoised)
                try compare(.images, prefix + "critic_denoised", matching.criticDenoised)
                try compare(.gradients, prefix + "dm_gradient", matching.direction)
            }
            try compare(.gradients, prefix + "grad_student_image", result.imageGradient)
            comparison.check(.losses, prefix + "loss_dm", result.matching?.loss, expected.matchingLoss)
            comparison.check(
                .losses, prefix + "loss_gan_student", result.adversarialLoss, expected.studentAdversarialLoss)
            if iteration == 0 { try compareGradients(gradient, of: networks.student, .student) }
            let norm = studentOptimizer.update(
                gradient: gradient.pointer, scale: 1,
                learningRate: configuration.optimizer.value.studentLearningRate, averageKeep: 0)
            comparison.check(.gradients, prefix + "grad_norm_student", norm, expected.studentGradientNorm)
        } else {
            images = step.images(draws, networks)
        }
        try compare(.images, prefix + "student_image", images)

        let gradient = Tensor(repeating: 0, networks.critic.values.shape)
        let result = step.criticGradient(draws, images: images, networks, gradient: gradient)
        comparison.check(.losses, prefix + "loss_critic", result.denoisingLoss, expected.criticLoss)
        comparison.check(.losses, prefix + "loss_gan_critic", result.adversarialLoss, expected.criticAdversarialLoss)
        if iteration == 0 { try compareGradients(gradient, of: networks.critic, .critic) }
        let norm = criticOptimizer.update(
            gradient: gradient.pointer, scale: 1, learningRate: configuration.optimizer.value.criticLearningRate,
            averageKeep: 0)
        comparison.check(.gradients, prefix + "grad_norm_critic", norm, expected.criticGradientNorm)
    }

    private mutating func compare(_ kind: Comparison.Kind, _ name: String, _ images: Tensor) throws {
        try comparison.check(
            kind, name, images.elements.map { Double($0) }, fixture.images(name).elements.map { Double($0) })
    }

    private mutating func compareGradients(_ gradient: Tensor, of weights: NetworkWeights, _ role: FixtureRole) throws {
        for entry in trainedEntries(of: weights) {
            let name = role.fixtureName(entry.name)
            let expected = try fixture.values("grad." + name, count: storedCount(entry))
            let got = Tensor(gradient.storage, offset: gradient.offset + entry.offset, shape: Shape(entry.shape))
            if isProbed(entry) {
                let probe = Probe(got, name, seed: description.seed)
                comparison.check(.gradients, "norm of grad." + name, probe.norm, expected[0])
                comparison.check(
                    .gradients, "probe of grad." + name, difference: abs(probe.dot - expected[1]), unit: expected[0])
            } else {
                comparison.check(.gradients, "grad." + name, got.elements.map { Double($0) }, expected)
            }
        }
    }

    /// AdamW's first steps have the size of the learning rate whatever the gradient, so a weight whose gradient is
    /// rounding noise may go either way: norm and dot product are compared, in units of the way a tensor can go.
    private mutating func compareFinalWeights() throws {
        let optimizer = configuration.optimizer.value
        for (role, weights, rate) in [
            (FixtureRole.student, networks.student, optimizer.studentLearningRate),
            (.critic, networks.critic, optimizer.criticLearningRate),
        ] {
            let constants = weights.layout.entries.filter {
                !$0.isTrained && fixture.contains("final." + role.fixtureName($0.name))
            }
            for entry in trainedEntries(of: weights) + constants {
                let name = role.fixtureName(entry.name)
                let stored = try fixture.values("final." + name, count: storedCount(entry))
                let got = Tensor(weights.values.storage, offset: entry.offset, shape: Shape(entry.shape))
                let probe = Probe(got, name, seed: description.seed)
                let expected =
                    isProbed(entry)
                    ? Probe(norm: stored[0], dot: stored[1])
                    : Probe(Tensor(stored.map { Float($0) }, Shape(entry.shape)), name, seed: description.seed)
                let unit = Double(rate) * Double(description.iterations.count) * Double(entry.count).squareRoot()
                comparison.check(
                    .weights, "norm of final." + name, difference: abs(probe.norm - expected.norm), unit: unit)
                comparison.check(
                    .weights, "probe of final." + name, difference: abs(probe.dot - expected.dot), unit: unit)
            }
        }
    }

    /// The weights the fixture trains: all but random frequencies, and the head of a run without one.
    private func trainedEntries(of weights: NetworkWeights) -> [ParameterLayout.Entry] {
        weights.layout.entries.filter { $0.isTrained && (configuration.trainsHead || !$0.name.hasPrefix("head.")) }
    }

    /// Tensors of more than 1024 elements are stored as norm and dot product.
    private func isProbed(_ entry: ParameterLayout.Entry) -> Bool { entry.count > 1024 }
    private func storedCount(_ entry: ParameterLayout.Entry) -> Int { isProbed(entry) ? 2 : entry.count }
}

/// What stands for a big tensor: its L2 norm and its dot product with uniform numbers.
private struct Probe {
    let norm: Double
    let dot: Double

    init(norm: Double, dot: Double) { (self.norm, self.dot) = (norm, dot) }

    init(_ tensor: Tensor, _ name: String, seed: UInt64) {
        let uniform = NamedUniform("probe." + name, seed: seed)
        let elements = tensor.buffer
        var (squares, dot) = (0.0, 0.0)
        for index in elements.indices {
            let value = Double(elements[index])
            squares += value * value
            dot += value * uniform[index]
        }
        (norm, self.dot) = (squares.squareRoot(), dot)
    }
}

extension FixtureDescription.Configuration {
    /// The fixture's network as ours. Throws: naming what we do not have.
    func denoiser() throws -> Denoiser {
        func require(_ holds: Bool, _ what: String) throws {
            if !holds { throw FixtureError(what + " is not supported") }
        }
        let network = self.network.value
        try require((network.dropout ?? 0) == 0, "dropout")
        try require((network.augmentationLabels ?? 0) == 0, "augment_dim")
        try require((network.labelDropout ?? 0) == 0, "label_dropout")
        let shape = NetworkConfiguration(
            resolution: resolution, imageChannels: imageChannels, classes: labels, conditional: labels > 0,
            channels: network.channels, channelMultipliers: network.channelMultipliers,
            channelMultiplierEmbedding: network.embeddingMultiplier, blocks: network.blocks,
            attentionResolutions: network.attentionResolutions, sigmaData: sigmaData)
        let side = shape.bottleneckResolution
        let isReadable = side >= 4 && side & (side - 1) == 0
        try require(isReadable || !trainsHead, "a head on a bottleneck of \(side) x \(side)")
        var backbone: any EncoderDecoder
        switch network.type {
        case "DhariwalUNet":
            let isPlain = network.embedding == nil && network.noiseChannelMultiplier == nil && network.encoder == nil
            try require(
                isPlain && network.decoder == nil && network.filter == nil, "a DhariwalUNet with SongUNet's options")
            for (resolution, width) in zip(shape.resolutions, shape.levelChannels)
            where shape.attentionResolutions.contains(resolution) || resolution == shape.bottleneckResolution {
                try require(width < 64 || width.isMultiple(of: width / 64), "attention over \(width) channels")
            }
            backbone = ADMUNet(shape)
        case "SongUNet":
            backbone = SongUNet(shape, try network.variant())
        default: throw FixtureError("network \(network.type) is not supported")
        }
        if !isReadable { backbone = HeadlessBackbone(network: backbone) }
        return Denoiser(backbone, sigmaData: Float(sigmaData), imageShape: (resolution, resolution, imageChannels))
    }
}

/// A network whose bottleneck no head can read, for runs that train none: our critic has one in any case.
private struct HeadlessBackbone: EncoderDecoder {
    let network: any EncoderDecoder
    let bottleneckResolution = 4

    var layout: ParameterLayout { network.layout }
    var bottleneckChannels: Int { network.bottleneckChannels }
    var encoderChannels: [Int: Int] { [bottleneckResolution: bottleneckChannels] }

    func embed(_ conditioning: [Float], _ labels: [Int?], _ weights: BoundWeights) -> Variable {
        network.embed(conditioning, labels, weights)
    }

    func encode(_ x: Variable, _ embedding: Variable, _ weights: BoundWeights) -> [Variable] {
        network.encode(x, embedding, weights)
    }

    func decode(_ outputs: consuming [Variable], _ embedding: Variable, _ weights: BoundWeights) -> Variable {
        network.decode(outputs, embedding, weights)
    }
}

extension FixtureDescription.Network {
    /// SongUNet's options. Throws: naming what we do not have.
    fileprivate func variant() throws -> SongUNet.Variant {
        guard (decoder ?? "standard") == "standard" else {
            throw FixtureError("decoder_type \(decoder ?? "") is not supported")
        }
        func choose<Value>(_ key: String, _ name: String, _ values: [String: Value]) throws -> Value {
            guard let value = values[name] else { throw FixtureError("\(key) \(name) is not supported") }
            return value
        }
        let taps = (filter ?? [1, 1]).map { "\(Int($0))" }.joined(separator: " ")
        return SongUNet.Variant(
            embedding: try choose(
                "embedding_type", embedding ?? "positional", ["positional": .positional, "fourier": .fourier]),
            noiseChannelMultiplier: noiseChannelMultiplier ?? 1,
            encoder: try choose("encoder_type", encoder ?? "standard", ["standard": .standard, "residual": .residual]),
            filter: try choose("resample_filter", taps, ["1 1": .box, "1 3 3 1": .binomial]))
    }
}
