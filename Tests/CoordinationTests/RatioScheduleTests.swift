import Coordination
import TestSupport
import Testing

@Suite struct RatioScheduleTests {
    private func studentSteps(_ schedule: RatioSchedule, before end: Int) -> [Int] {
        (0..<end).filter { schedule.kind(of: $0) == .criticAndStudent }
    }

    @Test("Ratio 5 from the start updates the student at steps 0, 5, 10 and so on")
    func plainRatio() {
        #expect(studentSteps(RatioSchedule(ratio: 5), before: 21) == [0, 5, 10, 15, 20])
    }

    @Test("Ratio 1 updates the student at every step")
    func ratioOne() {
        #expect(studentSteps(RatioSchedule(ratio: 1), before: 4) == [0, 1, 2, 3])
    }

    @Test("A larger ratio keeps the distance from the last student step")
    func largerRatio() {
        var schedule = RatioSchedule(ratio: 5)
        schedule.setRatio(10, fromStep: 13)
        #expect(studentSteps(schedule, before: 41) == [0, 5, 10, 20, 30, 40])
    }

    @Test("A smaller ratio whose time has passed updates the student at once")
    func smallerRatio() {
        var schedule = RatioSchedule(ratio: 10)
        schedule.setRatio(3, fromStep: 18)
        #expect(studentSteps(schedule, before: 25) == [0, 10, 18, 21, 24])
    }

    @Test("A warm-up delays the first student update, and a ratio set meanwhile does not shorten it")
    func warmup() {
        var schedule = RatioSchedule(ratio: 5, firstStudentStep: 12)
        #expect(studentSteps(schedule, before: 30) == [12, 17, 22, 27])
        #expect(schedule.step(ofStudentUpdate: 0) == 12)
        #expect(schedule.lastStudentStep(before: 12) == nil)
        schedule.setRatio(3, fromStep: 4)
        #expect(studentSteps(schedule, before: 20) == [12, 15, 18])
        #expect(schedule.step(ofStudentUpdate: 2) == 18)
        schedule.setRatio(1, fromStep: 19)
        #expect(studentSteps(schedule, before: 22) == [12, 15, 18, 19, 20, 21])
    }

    @Test("Setting the ratio twice at one step leaves the last one")
    func twiceAtOneStep() {
        var schedule = RatioSchedule(ratio: 5)
        schedule.setRatio(10, fromStep: 12)
        schedule.setRatio(2, fromStep: 12)
        #expect(studentSteps(schedule, before: 17) == [0, 5, 10, 12, 14, 16])
        #expect(schedule.segments.count == 2)
    }

    @Test("Segments replay the schedule; segments out of order are no schedule")
    func replay() {
        var schedule = RatioSchedule(ratio: 5)
        schedule.setRatio(7, fromStep: 33)
        #expect(RatioSchedule(segments: schedule.segments) == schedule)
        #expect(RatioSchedule(segments: schedule.segments.reversed()) == nil)
        #expect(RatioSchedule(segments: []) == nil)
    }

    @Test(
        "Counts and positions of student updates agree with the kind of every step", arguments: 0..<40 as Range<UInt64>)
    func countsAgree(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var schedule = RatioSchedule(ratio: random.integer(in: 1...12))
        var ratios = [schedule.lastSegment.ratio]
        for _ in 0..<random.integer(in: 0...5) {
            let ratio = random.integer(in: 1...12)
            schedule.setRatio(ratio, fromStep: schedule.lastSegment.firstStep + random.integer(in: 0...30))
            ratios.append(ratio)
        }
        let steps = studentSteps(schedule, before: 300)
        for end in 0...300 {
            #expect(schedule.studentUpdates(before: end) == steps.count { $0 < end })
            #expect(schedule.lastStudentStep(before: end) == steps.last { $0 < end })
        }
        for (index, step) in steps.enumerated() { #expect(schedule.step(ofStudentUpdate: index) == step) }
        let longest = zip(steps, steps.dropFirst()).map { $1 - $0 }.max() ?? 0
        #expect(longest <= ratios.max() ?? 0, "no gap is longer than the largest ratio")
    }
}
