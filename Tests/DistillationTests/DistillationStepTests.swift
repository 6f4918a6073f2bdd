import Diffusion
import Distillation
import Layers
import Tensors
import Testing

@Suite
struct DistillationStepTests {
    private let tiny = TinyNetworks()

    private func zeros(like weights: NetworkWeights) -> Tensor { Tensor(repeating: 0, weights.values.shape) }

    @Test("The student's gradient is the slope of matching plus GAN loss, through encoder, decoder and attention")
    func studentGradient() throws {
        let gradient = zeros(like: tiny.networks.student)
        let base = tiny.step.studentGradient(tiny.draws, tiny.networks, gradient: gradient)
        let direction = try #require(base.matching).direction
        let target = zip(base.images.elements, direction.elements).map { Double($0) - Double($1) }
        let input = tiny.step.studentInput(tiny.draws, tiny.networks.student)
        checkSlopes(
            of: tiny.networks.student, gradient,
            names: [
                "model.map_layer0.weight", "model.enc.8x8_conv.weight", "model.enc.4x4_block0.qkv.weight",
                "model.dec.4x4_in0.affine.bias", "model.dec.8x8_block1.conv1.weight", "model.out_conv.bias",
            ]
        ) { tiny.studentLoss(input: input, target: target, $0) }
    }

    @Test("The critic's gradient is the slope of denoising plus GAN loss, through network and head")
    func criticGradient() {
        let images = tiny.step.images(tiny.draws, tiny.networks)
        let gradient = zeros(like: tiny.networks.critic)
        _ = tiny.step.criticGradient(tiny.draws, images: images, tiny.networks, gradient: gradient)
        checkSlopes(
            of: tiny.networks.critic, gradient,
            names: [
                "model.map_label.weight", "model.enc.8x8_block0.norm0.weight", "model.enc.4x4_block0.proj.weight",
                "model.dec.4x4_block0.skip.weight", "model.out_conv.weight", "head.0.weight", "head.1.bias",
                "head.3.weight",
            ]
        ) { critic in
            let networks = DistillationStep.Networks(
                teacher: tiny.networks.teacher, student: tiny.networks.student, critic: critic)
            let result = tiny.step.criticGradient(
                tiny.draws, images: images, networks, gradient: zeros(like: critic))
            return Double(result.denoisingLoss ?? .nan)
                + Double(TinyNetworks.criticGANWeight) * Double(result.adversarialLoss ?? .nan)
        }
    }

    @Test("On a student's turn the critic, and on the critic's the student, stays as it is; the teacher always")
    func onlyGradientsChange() {
        let before = [tiny.networks.teacher, tiny.networks.student, tiny.networks.critic].map(\.values.elements)
        let result = tiny.step.studentGradient(
            tiny.draws, tiny.networks, gradient: zeros(like: tiny.networks.student))
        _ = tiny.step.criticGradient(
            tiny.draws, images: result.images, tiny.networks, gradient: zeros(like: tiny.networks.critic))
        let after = [tiny.networks.teacher, tiny.networks.student, tiny.networks.critic].map(\.values.elements)
        #expect(before == after)
    }

    @Test("A critic-only step makes the images that a student's turn makes from the same draws")
    func equalImages() {
        let result = tiny.step.studentGradient(
            tiny.draws, tiny.networks, gradient: zeros(like: tiny.networks.student))
        let criticOnly = TinyNetworks(updatesStudent: false)
        #expect(criticOnly.step.images(criticOnly.draws, criticOnly.networks).elements == result.images.elements)
    }

    @Test("With the teacher's weights in the critic and no GAN term the student's gradient is exactly zero")
    func criticIsTeacher() {
        let networks = DistillationStep.Networks(
            teacher: tiny.networks.teacher, student: tiny.networks.student,
            critic: tiny.step.critic.weights(from: tiny.networks.teacher, seed: 9))
        var draws = tiny.draws
        draws.studentGAN = nil
        let gradient = zeros(like: tiny.networks.student)
        let result = tiny.step.studentGradient(draws, networks, gradient: gradient)
        #expect(result.matching?.loss == 0)
        #expect(gradient.elements.allSatisfy { $0 == 0 })
    }

    @Test("Under guidance the student follows uncond + s (cond - uncond) of the teacher; the critic has none")
    func guidance() throws {
        var configuration = TinyNetworks.oneStep
        configuration.teacherGuidance = 3
        let guided = TinyNetworks(configuration)
        let plain = tiny.step.studentGradient(
            tiny.draws, tiny.networks, gradient: zeros(like: tiny.networks.student))
        let result = guided.step.studentGradient(
            guided.draws, guided.networks, gradient: zeros(like: tiny.networks.student))
        let draw = try #require(tiny.draws.matching)
        let sigma = NoiseSchedule.karras.sigmas(draw.indices)
        let noisy = noised(Variable(plain.images), sigma: sigma, noise: draw.noise)
        let unconditional = tiny.step.denoiser(
            noisy, sigma: sigma, labels: draw.indices.map { _ in nil }, .frozen(tiny.networks.teacher)
        ).value.elements
        let (guidedMatching, plainMatching) = try (#require(result.matching), #require(plain.matching))
        #expect(guidedMatching.criticDenoised.elements == plainMatching.criticDenoised.elements)
        let conditional = plainMatching.teacherDenoised.elements
        #expect(unconditional != conditional)
        for (got, (with, without)) in zip(guidedMatching.teacherDenoised.elements, zip(conditional, unconditional)) {
            // Roundings of 6e-8 of images of magnitude 1, tripled.
            #expect(abs(got - (without + 3 * (with - without))) < 2e-6 * max(1, abs(got)))
        }
    }

    @Test("Gradients add to what the buffer holds, so shards can share one")
    func accumulation() {
        let once = zeros(like: tiny.networks.student)
        let twice = zeros(like: tiny.networks.student)
        _ = tiny.step.studentGradient(tiny.draws, tiny.networks, gradient: once)
        for _ in 0..<2 { _ = tiny.step.studentGradient(tiny.draws, tiny.networks, gradient: twice) }
        // Sums of other partial sums: a few roundings of 6e-8 of the tensors' sizes.
        let pairs = zip(once.elements, twice.elements)
        let worst = pairs.reduce(Float(0)) { max($0, abs($1.1 - 2 * $1.0)) }
        let largest = once.elements.reduce(0) { max($0, abs($1)) }
        #expect(worst <= 1e-5 * largest)
    }
}
