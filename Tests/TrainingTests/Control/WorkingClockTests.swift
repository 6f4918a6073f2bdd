import Testing
import Training

@Suite struct WorkingClockTests {
    @Test("A standstill is left out and told once; what is read as often as usual is not touched")
    func standstill() {
        var clock = WorkingClock(startingAt: 100)
        var readings: [Double] = []
        var standstills: [Double] = []
        for monotonic in [100.5, 102.5, 162.5, 163.5] {
            let (now, standstill) = clock.read(monotonic)
            readings.append(now)
            if let standstill { standstills.append(standstill) }
        }
        #expect(readings == [100.5, 102.5, 102.5, 103.5])
        #expect(standstills == [60])
        #expect(clock.stoodStill == 60)
    }
}
