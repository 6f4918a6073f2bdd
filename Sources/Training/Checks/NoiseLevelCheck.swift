package import Diffusion
package import Distillation
import Evaluation

/// Whether the noise levels are those that the methods were published with, and the student's lie among them.
package enum NoiseLevelCheck {
    /// How far an end may be from the published one, relatively: those are given to six digits.
    static let endTolerance = 1e-5
    /// How far the time of a level may be from its number, in levels: float32 has seven digits of up to 1000.
    static let timeTolerance = 0.01

    /// `levels` are the sigmas by index and `times` what the schedule says of them; the schedule's own by default.
    package static func finding(
        _ schedule: NoiseSchedule, _ settings: DistillationConfiguration, levels: [Float]? = nil, times: [Float]? = nil
    ) -> Finding {
        let levels = levels ?? (0..<NoiseSchedule.levels).map(schedule.sigma)
        let times = times ?? levels.map(schedule.time)
        let last = levels.count - 1
        func text(_ sigma: some BinaryFloatingPoint) -> String { NumberText.figure(Double(sigma)) }
        let students = settings.studentSigmas.map(text).joined(separator: ", ")
        let measured =
            "\(levels.count) of \(schedule.rawValue) from sigma \(text(levels[0])) to \(text(levels[last])), matched from "
            + "\(text(levels[settings.minIndex])) (index \(settings.minIndex)) to \(text(levels[settings.maxIndex])) "
            + "(\(settings.maxIndex)), the student's \(students)"
        func failed(_ fault: String, _ advice: String) -> Finding {
            Finding(.failed, "noise levels", "\(measured): \(fault)", advice: advice)
        }

        let ends = schedule.publishedEnds
        let tooFar = [(levels[0], ends.low), (levels[last], ends.high)].first {
            !(abs(Double($0.0) / $0.1 - 1) < endTolerance)
        }
        if let (found, published) = tooFar {
            return failed(
                "an end is \(found), the published one \(published)", "this build computes wrongly: build it again")
        }
        if let index = (0..<last).first(where: { !(levels[$0] < levels[$0 + 1]) }) {
            return failed(
                "levels \(index) and \(index + 1) do not ascend", "this build computes wrongly: build it again")
        }
        let offset = schedule.timeOfFirstLevel
        if let index = times.indices.first(where: {
            !(abs(Double(times[$0]) - Double($0) - offset) < timeTolerance)
        }) {
            return failed(
                "the time of level \(index) is \(times[index])", "this build computes wrongly: build it again")
        }
        let range = Double(levels[0])...Double(levels[last])
        // The top level is a float, and a person writes it in decimals.
        let slack = 1 + endTolerance
        if let outside = settings.studentSigmas.first(where: {
            $0 * slack < range.lowerBound || $0 > range.upperBound * slack
        }) {
            return failed(
                "\(text(outside)) is outside",
                "no network is trained there: choose distil.studentSigmas among the levels")
        }
        return Finding(.ok, "noise levels", measured)
    }
}

extension NoiseSchedule {
    /// The smallest and the largest s = sigma / alpha, by hand from the publications: EDM's bounds; √((1 - ā) / ā) of the
    /// first beta, 0.00085, and of ā = 0.00466010 after the last; t / (1 - t) of 0.0005 and 0.9995.
    fileprivate var publishedEnds: (low: Double, high: Double) {
        switch self {
        case .karras: (0.002, 80)
        case .stableDiffusion: (0.029_167_158, 14.614_641)
        case .flow: (0.000_500_250_1, 1999)
        }
    }

    /// `time` of level 0; that of level i is i more.
    fileprivate var timeOfFirstLevel: Double { self == .flow ? 0.5 : 0 }
}
