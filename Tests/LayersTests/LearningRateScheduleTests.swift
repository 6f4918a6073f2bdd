import Layers
import Testing

@Suite struct LearningRateScheduleTests {
    private func rates(warmup: Int, total: Int, decay: Float, _ updates: [Int]) -> [Float] {
        let schedule = LearningRateSchedule(peak: 8, warmupUpdates: warmup, totalUpdates: total, decayFraction: decay)
        return updates.map { schedule.rate(update: $0) }
    }

    @Test("The rate rises to the peak, stays there, and falls towards zero at the end")
    func threeParts() {
        #expect(rates(warmup: 4, total: 20, decay: 0.2, [0, 1, 3, 4, 15, 16, 17, 19]) == [2, 4, 8, 8, 8, 8, 6, 2])
    }

    @Test("Without warm-up and decay the rate is constant")
    func constant() {
        #expect(rates(warmup: 0, total: 10, decay: 0, [0, 5, 9, 100]) == [8, 8, 8, 8])
    }

    @Test("Past the last update the rate is the last one's, never zero")
    func pastTheEnd() {
        #expect(rates(warmup: 0, total: 8, decay: 1, [7, 8, 1000]) == [1, 1, 1])
    }

    @Test("Where warm-up and decay meet, the smaller rate holds")
    func overlap() {
        #expect(rates(warmup: 8, total: 8, decay: 1, [0, 3, 4, 7]) == [1, 4, 4, 1])
    }
}
