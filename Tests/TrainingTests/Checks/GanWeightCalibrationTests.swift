import Communication
import Coordination
import Distillation
import Journal
import Logging
import Testing
import Training

struct GanWeightCalibrationTests {
    /// A run of one rank whose last eight student updates, of nine, are what the verdict of its health is a mean over.
    private static func configuration(_ run: TemporaryRun, weight: Double) -> RunConfiguration {
        TinyRun(folder: run.folder) {
            ($0.distil.studentUpdates, $0.distil.warmupUpdates, $0.distil.ganWeight) = (9, 1, weight)
            $0.launch.ranks = 1
            // Longer than any stage: no evaluation follows.
            $0.run.stopAfter = 100
        }.configuration
    }

    /// Trains it, and returns what `dmd2 status` shows at its end.
    private static func health(_ configuration: RunConfiguration) throws -> StudentHealth {
        let control = try InProcessControl(
            owning: OwnedRunFolder(configuration: configuration, fresh: false), rankCount: 1)
        let worker = Worker(
            configuration, communicator: SelfCommunicator(), control: control, printsWeightsHash: false,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        _ = try worker.run()
        let journal = try Journal.reading(path: RunFolderLayout(configuration.run.folder).journal)
        return try #require(try journal.studentHistories()["distil"].flatMap(StudentHealth.of))
    }

    @Test("The gradients' ratio at the configured and at the proposed weight is the one a run with that weight shows")
    func sameAsRun() throws {
        let runs = (0..<2).map { _ in TemporaryRun() }
        let configuration = Self.configuration(runs[0], weight: 0.04)
        let configured = try Self.health(configuration)

        var progress: [GanWeightCalibration.Progress] = []
        let result = try GanWeightCalibration(configuration, fraction: 0.5, updates: 8).run { progress.append($0) }
        #expect(result.configured_gan_weight == 0.04)
        #expect(result.configured_gradient_ratio == configured.gradientRatio)
        #expect(result.rounds[0].matching_gradient == configured.matchingGradient)
        #expect(result.rounds[0].gan_gradient == configured.ganGradient)
        #expect([result.first_student_update, result.last_student_update] == [2, 9])
        #expect(result.teacher_steps == 5)

        let proposed = try Self.health(Self.configuration(runs[1], weight: result.gan_weight))
        #expect(result.gradient_ratio == proposed.gradientRatio)
        #expect(result.gan_weight != 0.04 && result.reached, "\(result)")
        #expect((0.5 / 1.2...0.5 * 1.2).contains(result.gradient_ratio), "\(result)")

        // The ninth student update is made at step 16, the seventeenth.
        #expect(progress.map(\.step) == result.rounds.flatMap { _ in Array(1...17) })
        #expect(progress.last?.round == result.rounds.count && progress.last?.steps == 17)
    }

    @Test("A run without a GAN is calibrated from a weight of its own, and says that it had none")
    func withoutGAN() throws {
        let run = TemporaryRun()
        _ = try Self.health(Self.configuration(run, weight: 0.04))
        let configuration = Self.configuration(run, weight: 0)
        let result = try GanWeightCalibration(configuration, fraction: 0.5, updates: 4).run()
        #expect(result.configured_gan_weight == 0 && result.configured_gradient_ratio == nil)
        #expect(result.rounds[0].gan_weight == 0.01 && result.gan_weight > 0)
    }

    @Test("A loss that is off, or no teacher, is told")
    func impossible() {
        let run = TemporaryRun()
        func calibrate(_ change: (inout RunConfiguration) -> Void) throws {
            var configuration = Self.configuration(run, weight: 0.04)
            change(&configuration)
            _ = try GanWeightCalibration(configuration, fraction: 1).run()
        }
        #expect(throws: CalibrationImpossible.self) { try calibrate { $0.distil.criticGanWeight = 0 } }
        #expect(throws: CalibrationImpossible.self) { try calibrate { $0.distil.matchingWeight = 0 } }
        #expect(throws: MissingTeacher.self) { try calibrate { _ in } }
    }

    @Test(
        "A proposed weight has the two digits that a person types",
        arguments: [(0.7983, 0.80), (0.04, 0.04), (0.000_123_4, 0.000_12), (1.26, 1.3), (123, 120), (9.96, 10)])
    func rounding(weight: Double, typed: Double) { #expect(GanWeightCalibration.rounded(weight) == typed) }
}
