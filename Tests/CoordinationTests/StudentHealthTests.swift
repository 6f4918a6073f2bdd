import Coordination
import Testing

@Suite struct StudentHealthTests {
    private func health(_ rows: [[MetricRow]]) -> StudentHealth? {
        StudentHealth.of(StudentHistory(rows.flatMap { $0 }))
    }

    @Test("A sound student is healthy, with the figures worked out by hand")
    func sound() throws {
        let rows = (0..<8).map { studentRows(step: 5 * $0, lag: -0.03, brightness: -0.33) }
        let health = try #require(self.health(rows))
        #expect(health.grade == .healthy && health.cause == nil && health.updates == 8)
        #expect(abs(health.brightnessDrift - 0.1) < 1e-12)
        #expect(abs(health.contrastRatio - 1) < 1e-12)
        #expect(abs((health.criticLag ?? 1) + 0.03) < 1e-12)
        #expect(abs((health.headGap ?? 0) - 0.4) < 1e-12)
        #expect(health.gradientRatio == 0.5)
        #expect(
            health.line
                == "healthy: brightness +0.10, contrast 1.00 of the data's, critic lag -0.03, head gap 0.40, "
                + "GAN/DM gradient 0.50")
    }

    @Test(
        "A collapse is named after eight updates, and one update of it is unhealthy",
        arguments: [
            (-0.4, 0.01, "the images are constant"), (-0.4, 3.0, "exploding drift: contrast"),
            (0.2, 0.7, "exploding drift: brightness"), (.nan, 0.7, "the student's images are not finite"),
        ])
    func collapses(brightness: Double, contrast: Double, cause: String) {
        let sound = (0..<20).map { studentRows(step: $0) }
        func bad(_ count: Int) -> [[MetricRow]] {
            (20..<20 + count).map { studentRows(step: $0, brightness: brightness, contrast: contrast) }
        }
        #expect(health(sound)?.grade == .healthy)
        let first = health(sound + bad(1))
        #expect(first?.grade == .unhealthy || first?.grade == .collapsed)
        let last = health(sound + bad(8))
        #expect(last?.grade == .collapsed)
        #expect(last?.cause?.hasPrefix(cause) == true, "\(last?.cause ?? "")")
        #expect(StudentHealth.lastSoundStep(StudentHistory((sound + bad(8)).flatMap { $0 })) == 19)
    }

    @Test("A student that starts blank has a hundred updates to draw something; one that becomes blank has not")
    func blankStart() {
        func blank(_ steps: Range<Int>) -> [[MetricRow]] { steps.map { studentRows(step: $0, contrast: 0.015) } }
        #expect(health(blank(0..<99))?.grade == .healthy)
        #expect(health(blank(0..<100))?.grade == .collapsed)
        // Twice the contrast of the first images, then half of it again: still what it started as.
        let drawing = (20..<30).map { studentRows(step: $0, contrast: 0.03) }
        #expect(health(blank(0..<20) + drawing + blank(30..<40))?.grade == .healthy)
        #expect(health([studentRows(step: 0, contrast: 0.1)] + blank(1..<20))?.grade == .collapsed)
    }

    @Test("Images that the teacher denoises far worse than the first ones are an exploding drift")
    func teacherError() {
        var rows = (0..<20).map { studentRows(step: $0) }
        rows += (20..<28).map { step in
            studentRows(step: step).map { row in
                var row = row
                if row.name == StudentMetric.teacherError.rawValue { row.value = 12 }
                return row
            }
        }
        let health = health(rows)
        #expect(health?.grade == .collapsed)
        #expect(health?.cause == "exploding drift: the teacher's error on the images is 6.00 times the first")
    }

    @Test("A brightness that swings to both sides does not cancel")
    func swing() {
        let rows = (0..<8).map { studentRows(step: $0, brightness: -0.4 + ($0 % 2 == 0 ? 1 : -1)) }
        #expect(health(rows)?.grade == .collapsed)
    }

    @Test("A head that always wins is saturated after 32 updates; without a head nothing is missed")
    func head() {
        func rows(_ count: Int, loss: Double?) -> [[MetricRow]] {
            (0..<count).map { studentRows(step: $0, headLoss: loss) }
        }
        #expect(health(rows(40, loss: nil))?.grade == .healthy)
        #expect(health(rows(40, loss: nil))?.headGap == nil)
        #expect(health(rows(7, loss: 0.001))?.grade == .healthy)
        #expect(health(rows(31, loss: 0.001))?.grade == .unhealthy)
        #expect(health(rows(32, loss: 0.001))?.grade == .collapsed)
    }

    @Test("A critic that lags far and a brightness that drifts are doubtful, no more")
    func doubtful() {
        #expect(health((0..<8).map { studentRows(step: $0, lag: 0.4) })?.cause == "the critic lags; raise the ratio")
        #expect(health((0..<8).map { studentRows(step: $0, brightness: 0.1) })?.cause == "brightness drifts")
        #expect(health((0..<8).map { studentRows(step: $0, brightness: 0.1) })?.grade == .doubtful)
    }

    @Test("Rows in any order and twice make the same history; critic-only steps are no part of it")
    func order() {
        let rows = (0..<4).flatMap { studentRows(step: 5 * $0) }
        let critic = MetricRow(stage: "distil", step: 3, name: "loss.head", value: 1)
        let plain = StudentHistory(rows)
        #expect(StudentHistory(rows + rows + [critic]) == plain)
        #expect(plain.lastSteps(2, having: [.contrast]) == [10, 15])
        var forgetting = plain
        forgetting.forget(from: 10)
        #expect(forgetting.lastSteps(9, having: [.contrast]) == [0, 5])
    }
}
