import Diffusion
import Testing

@Suite struct KarrasScheduleTests {
    @Test(
        "The published levels of sigma",
        arguments: [
            (0, 0.002), (20, 0.003_231_6), (250, 0.170_312_3), (500, 2.526_51), (750, 17.6173), (980, 72.0539),
            (999, 80),
        ] as [(Int, Float)])
    func anchors(index: Int, sigma: Float) {
        // The levels are computed in double precision; the anchors have six digits or more.
        #expect(abs(KarrasSchedule().sigma(index) / sigma - 1) < 1e-5)
    }

    @Test("Levels ascend, and a list of indices gives a list of levels")
    func ascending() {
        let sigmas = KarrasSchedule().sigmas(Array(0..<1000))
        #expect(zip(sigmas, sigmas.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("Two levels are the bounds")
    func twoLevels() {
        let schedule = KarrasSchedule(sigmaMin: 0.5, sigmaMax: 5, rho: 3, levels: 2)
        #expect(abs(schedule.sigma(0) - 0.5) < 1e-6 && abs(schedule.sigma(1) - 5) < 1e-5)
    }

    @Test("A level that is not there traps")
    func beyondTheEnd() async {
        await #expect(processExitsWith: .failure) { _ = KarrasSchedule().sigma(1000) }
        await #expect(processExitsWith: .failure) { _ = KarrasSchedule(levels: 1) }
    }
}
