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
        let critic = CriticNetwork(Denoiser(try NetworkConfiguration(configuration)))
        step = DistillationStep(
            critic, studentSigma: configuration.studentSigma, studentGANWeight: configuration.studentGANWeight,
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
        let labels = try fixture.integers("it0.real_labels")
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
            try compare(.images, prefix + "teacher_denoised", result.teacherDenoised)
            try compare(.images, prefix + "critic_denoised", result.criticDenoised)
            try compare(.gradients, prefix + "dm_gradient", result.direction)
            try compare(.gradients, prefix + "grad_student_image", result.imageGradient)
            comparison.check(.losses, prefix + "loss_dm", result.matchingLoss, expected.matchingLoss)
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
            for entry in trainedEntries(of: weights) {
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

    /// The weights the fixture trains: all but the head of a run without one.
    private func trainedEntries(of weights: NetworkWeights) -> [ParameterLayout.Entry] {
        weights.layout.entries.filter { configuration.trainsHead || !$0.name.hasPrefix("head.") }
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

extension NetworkConfiguration {
    /// The fixture's network as ours. Throws: naming what we do not have.
    init(_ configuration: FixtureDescription.Configuration) throws {
        let network = configuration.network.value
        func require(_ holds: Bool, _ what: String) throws {
            if !holds { throw FixtureError(what + " is not supported") }
        }
        try require(network.type == "DhariwalUNet", "network \(network.type)")
        try require((network.dropout ?? 0) == 0, "dropout")
        try require((network.augmentationLabels ?? 0) == 0, "augment_dim")
        try require((network.labelDropout ?? 0) == 0, "label_dropout")
        try require(configuration.labels > 0, "label_dim 0")
        self.init(
            backbone: .adm, resolution: configuration.resolution, imageChannels: configuration.imageChannels,
            classes: configuration.labels, channels: network.channels, channelMultipliers: network.channelMultipliers,
            channelMultiplierEmbedding: network.embeddingMultiplier, blocks: network.blocks,
            attentionResolutions: network.attentionResolutions, sigmaData: configuration.sigmaData)
        let side = bottleneckResolution
        try require(side >= 4 && side & (side - 1) == 0, "a bottleneck of \(side) x \(side)")
        for (multiplier, resolution) in zip(channelMultipliers, resolutions)
        where attentionResolutions.contains(resolution) || resolution == side {
            let width = channels * multiplier
            try require(width >= 64 && width.isMultiple(of: width / 64), "attention over \(width) channels")
        }
    }
}
