import Diffusion
import Distillation
import Testing
import Training

struct NoiseLevelCheckTests {
    private let settings = DistillationConfiguration()
    private let karras = (0..<NoiseSchedule.levels).map(NoiseSchedule.karras.sigma)

    @Test("Every schedule has its published ends and knows its levels again", arguments: NoiseSchedule.allCases)
    func sound(schedule: NoiseSchedule) {
        let finding = NoiseLevelCheck.finding(schedule, settings)
        #expect(finding.outcome == .ok, "\(finding.measured)")
    }

    @Test("The levels that are matched and the student's are named")
    func names() {
        let finding = NoiseLevelCheck.finding(.karras, settings)
        // 0.0032316 is the anchor of level 20, published to five digits.
        #expect(
            finding.measured.hasPrefix(
                "1000 of karras from sigma 0.00200 to 80.0, matched from 0.00323 (index 20) to "),
            "\(finding.measured)")
        #expect(finding.measured.hasSuffix("(800), the student's 2.50"), "\(finding.measured)")
    }

    @Test("Levels that end elsewhere, do not ascend, or are told another time fail")
    func faults() {
        func fault(levels: [Float]? = nil, times: [Float]? = nil) -> Finding {
            NoiseLevelCheck.finding(.karras, settings, levels: levels, times: times)
        }
        var levels = karras
        levels[999] = 79.9
        #expect(fault(levels: levels).measured.contains("an end is 79.9, the published one 80"))
        levels = karras
        levels[0] = .nan
        #expect(fault(levels: levels).outcome == .failed)
        levels = karras
        levels.swapAt(400, 401)
        #expect(fault(levels: levels).measured.hasSuffix("levels 400 and 401 do not ascend"))
        var times = (0..<NoiseSchedule.levels).map { Float($0) }
        #expect(fault(times: times).outcome == .ok)
        times[7] = 8
        #expect(fault(times: times).measured.hasSuffix("the time of level 7 is 8.0"))
    }

    @Test("A student that starts outside the levels fails; the ends themselves are inside")
    func student() {
        var settings = settings
        settings.studentSigmas = [80, 2.5, 0.002]
        #expect(NoiseLevelCheck.finding(.karras, settings).outcome == .ok)
        settings.studentSigmas = [81, 2.5]
        #expect(NoiseLevelCheck.finding(.karras, settings).measured.hasSuffix("81.0 is outside"))
        settings.studentSigmas = [2.5, 0.001]
        #expect(NoiseLevelCheck.finding(.karras, settings).outcome == .failed)
        settings.studentSigmas = [80]
        #expect(NoiseLevelCheck.finding(.stableDiffusion, settings).outcome == .failed)
    }
}
