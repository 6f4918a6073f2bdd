import Diffusion
import Testing

@Suite struct NoiseScheduleTests {
    // The numbers are from the definition, worked out in another language.
    @Test(
        "Stable Diffusion's levels are the published schedule's",
        arguments: [
            (20, 0.981314362), (249, 0.675432414), (399, 0.426086364), (499, 0.277669650), (749, 0.056623492),
            (980, 0.005843783), (999, 0.004660099),
        ])
    func stableDiffusion(index: Int, keptVariance: Double) {
        let s = Double(NoiseSchedule.stableDiffusion.sigma(index))
        // ā = 1 / (1 + s²), with s a float.
        #expect(abs(1 / (1 + s * s) / keptVariance - 1) < 1e-6)
    }

    @Test("EDM's levels are Karras's, whose anchors are tested there")
    func karras() {
        let indices = [0, 1, 250, 999]
        #expect(NoiseSchedule.karras.sigmas(indices) == KarrasSchedule().sigmas(indices))
    }

    @Test("The flow's levels are the middles of a thousand steps of t")
    func flow() {
        for (index, t) in [(0, 0.0005), (499, 0.4995), (999, 0.9995)] {
            #expect(abs(Double(NoiseSchedule.flow.sigma(index)) / (t / (1 - t)) - 1) < 1e-6)
        }
    }

    @Test("Levels ascend, and a level's time says which one it is", arguments: NoiseSchedule.allCases)
    func times(schedule: NoiseSchedule) {
        let sigmas = schedule.sigmas(Array(0..<NoiseSchedule.levels))
        #expect(zip(sigmas, sigmas.dropFirst()).allSatisfy { $0 < $1 })
        for (index, sigma) in sigmas.enumerated() {
            let time = Float(index) + (schedule == .flow ? 0.5 : 0)
            // A rounding of sigma, 6e-8 of it, over the relative distance of two levels, 2e-3 at the least.
            #expect(abs(schedule.time(sigma) - time) < 1e-3)
        }
        // Between two levels lies a time between theirs.
        let between = schedule.time((sigmas[500] + sigmas[501]) / 2)
        #expect(between > schedule.time(sigmas[500]) && between < schedule.time(sigmas[501]))
    }

    @Test("Beyond the ends a time stays at the end")
    func ends() {
        for schedule in [NoiseSchedule.karras, .stableDiffusion] {
            #expect(schedule.time(1e-6) == 0 && schedule.time(1e6) == 999)
        }
    }

    @Test("A sampler's levels go down from the schedule's top", arguments: NoiseSchedule.allCases)
    func sampling(schedule: NoiseSchedule) {
        let sigmas = schedule.samplingSigmas(18)
        #expect(sigmas.count == 18 && sigmas.allSatisfy { $0 > 0 })
        #expect(zip(sigmas, sigmas.dropFirst()).allSatisfy { $0 > $1 })
        #expect(abs(sigmas[0] / schedule.sigma(999) - 1) < 1e-6)
    }

    @Test("A level that does not exist traps")
    func noSuchLevel() async {
        await #expect(processExitsWith: .failure) { _ = NoiseSchedule.flow.sigma(1000) }
        await #expect(processExitsWith: .failure) { _ = NoiseSchedule.flow.samplingSigmas(1) }
    }
}
