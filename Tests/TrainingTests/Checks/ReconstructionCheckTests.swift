import Datasets
import Diffusion
import Distillation
import Glibc
import Layers
import Tensors
import Testing
import Training

struct ReconstructionCheckTests {
    private static let sigmas: [Float] = [0.003, 0.05, 0.3, 2.5, 20]

    /// Points of the eight modes, whose optimal denoiser is a closed form.
    private static func points() -> TrainingImages {
        let (mixture, count) = (GaussianMixture.eightModes, 2048)
        return TrainingImages(
            LabelledImages(
                pixels: mixture.points(count, seed: 3, set: 0), labels: [Int](repeating: 0, count: count), height: 1,
                width: 1, channels: 2, classCount: 1), seed: 1)
    }

    private static func exact(_ mixture: GaussianMixture) -> Teacher {
        let denoiser = ClosedFormBackbone.denoiser(of: mixture, imageShape: (1, 1, 2))
        return Teacher(denoiser: denoiser, weights: NetworkWeights(denoiser.layout))
    }

    private static func finding(_ teacher: Teacher, _ images: TrainingImages, isComplete: Bool = true) -> Finding {
        ReconstructionCheck(teacher, images, seed: 1, batch: 64)
            .finding(sigmas: sigmas, whose: "teacher", isComplete: isComplete)
    }

    /// The eight modes, changed.
    private static func modes(_ change: (GaussianMixture.Component) -> GaussianMixture.Component) -> GaussianMixture {
        GaussianMixture(GaussianMixture.eightModes.components.map(change))
    }

    @Test("The optimal denoiser is better than both without a network")
    func optimal() {
        let finding = Self.finding(Self.exact(.eightModes), Self.points())
        #expect(finding.outcome == .ok, "\(finding.measured)")
        #expect(finding.measured.hasPrefix("teacher, error by the better one's"))
    }

    @Test("The optimal denoiser of other data fails, and the level is named")
    func otherData() {
        let apart = Self.modes { mode in
            let angle = atan2(mode.mean[1], mode.mean[0]) + .pi / 8
            return GaussianMixture.Component(
                weight: mode.weight, mean: [0.7 * cos(angle), 0.7 * sin(angle)], variance: mode.variance)
        }
        let finding = Self.finding(Self.exact(apart), Self.points())
        #expect(finding.outcome == .failed && finding.advice != nil)
        #expect(finding.measured.contains("at sigma 0.0500 the"), "\(finding.measured)")
    }

    @Test("A teacher that knows only mean and variance is no better than the denoisers without a network")
    func wiener() {
        // Over all, a point's coordinate has mean square 0.7²/2 + 0.05² and about mean 0.
        let blurred = GaussianMixture([.init(weight: 1, mean: [0, 0], variance: 0.2475)])
        let finding = Self.finding(Self.exact(blurred), Self.points())
        #expect(finding.outcome == .failed, "\(finding.measured)")
    }

    @Test("An untrained network fails; while its training is not over that is only a warning")
    func untrained() throws {
        let run = TinyRun()
        let teacher = Teacher(
            denoiser: run.denoiser, weights: NetworkWeights(run.denoiser.layout, seed: run.seed))
        let images = try run.images()
        #expect(Self.finding(teacher, images).outcome == .failed)
        #expect(Self.finding(teacher, images, isComplete: false).outcome == .warning)
    }

    @Test("A teacher whose weights are not numbers fails")
    func notNumbers() throws {
        let run = TinyRun()
        let weights = NetworkWeights(run.denoiser.layout, seed: run.seed)
        weights.update { $0.buffer[3] = .nan }
        let finding = Self.finding(Teacher(denoiser: run.denoiser, weights: weights), try run.images())
        #expect(finding.outcome == .failed)
        #expect(finding.measured.contains("not a number at sigma"), "\(finding.measured)")
    }
}
