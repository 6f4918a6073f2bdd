/// How well a distillation goes, from what its last student updates measured, and in one line.
package struct StudentHealth: Codable, Equatable, Sendable {
    /// How serious it is.
    package enum Grade: String, Codable, Sendable {
        /// Nothing stands out.
        case healthy
        /// Something to watch; training goes on.
        case doubtful
        /// The last update looks like a collapse; one more such stretch and it is one. Nothing is published meanwhile.
        case unhealthy
        /// The student, or the head, is of no use any more.
        case collapsed
    }

    /// How serious it is.
    package var grade: Grade
    /// What stands out; nil if nothing does.
    package var cause: String?
    /// Mean brightness minus the data's, in units of the data's contrast.
    package var brightnessDrift: Double
    /// The mean of the updates' distances, whatever their sign: a brightness that swings cancels in the mean.
    package var brightnessDistance: Double
    /// Contrast as a multiple of the data's.
    package var contrastRatio: Double
    /// Weighted squared error of the teacher on the student's images.
    package var teacherError: Double?
    /// How much worse, relatively, the critic denoises the student's images than the teacher does: `CriticLag`.
    package var criticLag: Double?
    /// Mean logit of real images minus that of generated ones; nil without a head.
    package var headGap: Double?
    /// Norms at the image of the gradients of matching and GAN loss, and the second by the first.
    package var matchingGradient: Double?
    package var ganGradient: Double?
    package var gradientRatio: Double?
    /// Student updates it is a mean over.
    package var updates: Int

    /// Updates that a verdict is a mean over: a student that recovers within them has not collapsed.
    static let window = 8
    /// Updates that a saturated head is a mean over: it may win easily for a while.
    static let headWindow = 32

    /// The health after the updates known so far; nil before the first.
    package static func of(_ history: StudentHistory) -> StudentHealth? {
        let recent = history.lastSteps(window, having: needed).compactMap { history[step: $0] }
        guard let last = recent.last else { return nil }
        let start = Start(history)
        var health = StudentHealth(recent)
        let headCause = "the head is saturated: its loss is below \(saturatedHeadLoss)"
        if let cause = health.collapse(since: start), recent.count == window {
            health.mark(.collapsed, cause)
        } else if saturatedSince(history, for: headWindow) != nil {
            health.mark(.collapsed, headCause)
        } else if saturatedSince(history, for: window) != nil {
            health.mark(.unhealthy, headCause)
        } else if let cause = StudentHealth([last]).collapse(since: start) ?? health.collapse(since: start) {
            health.mark(.unhealthy, cause)
        } else if let cause = health.doubt, recent.count == window {
            health.mark(.doubtful, cause)
        }
        return health
    }

    /// The last step of an update that did not look like a collapse; nil if all known ones do. The state before that
    /// step is known to be sound.
    package static func lastSoundStep(_ history: StudentHistory) -> Int? {
        if let saturated = saturatedSince(history, for: headWindow) { return saturated - 1 }
        let start = Start(history)
        return history.lastSteps(headWindow, having: needed).last { step in
            history[step: step].map { StudentHealth([$0]).collapse(since: start) == nil } ?? false
        }
    }

    /// The step since which the head has won every time, if that are as many updates; nil otherwise.
    private static func saturatedSince(_ history: StudentHistory, for count: Int) -> Int? {
        let steps = history.lastSteps(count, having: [.headLoss])
        let losses = steps.compactMap { history[step: $0]?[.headLoss] }
        return losses.count == count && losses.allSatisfy { $0 < saturatedHeadLoss } ? steps.first : nil
    }

    private static let needed: [StudentMetric] = [.brightness, .dataBrightness, .contrast, .dataContrast]

    // Far from anything a sound run shows: a student starts from the teacher's blurred guess, whose contrast is lower
    // than the data's, and comes closer from there.
    private static let vanishedContrast = 0.03
    // The mean of points, or of photographs, which is what a student draws that starts from noise of 80, has hardly any
    // contrast: constant images are a collapse where there was more, or where nothing has come of so many updates.
    private static let vanishedShareOfStart = 0.5
    private static let updatesFromBlank = 100
    private static let explodedContrast = 2.5
    private static let explodedBrightness = 0.75
    private static let explodedTeacherError = 5.0
    private static let saturatedHeadLoss = 0.01
    private static let doubtfulBrightness = 0.5
    private static let doubtfulContrast = 1.5
    private static let doubtfulLag = 0.25

    private init(_ updates: [StudentHistory.Update]) {
        func mean(_ metric: StudentMetric) -> Double? {
            let values = updates.compactMap { $0[metric] }
            return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        grade = .healthy
        let contrast = max(mean(.dataContrast) ?? 0, 1e-6)
        brightnessDrift = ((mean(.brightness) ?? 0) - (mean(.dataBrightness) ?? 0)) / contrast
        brightnessDistance =
            updates.map { abs(($0[.brightness] ?? 0) - ($0[.dataBrightness] ?? 0)) }.reduce(0, +)
            / Double(updates.count) / contrast
        teacherError = mean(.teacherError)
        contrastRatio = (mean(.contrast) ?? 0) / contrast
        criticLag = CriticLag.of(updates)
        if let real = mean(.realLogit), let generated = mean(.generatedLogit) { headGap = real - generated }
        matchingGradient = mean(.matchingGradient)
        ganGradient = mean(.ganGradient)
        gradientRatio = GradientRatio.of(updates)
        self.updates = updates.count
    }

    private mutating func mark(_ grade: Grade, _ cause: String) { (self.grade, self.cause) = (grade, cause) }

    /// What a collapse is told from: the first images, and whether there has been time to draw others.
    private struct Start {
        let teacherError: Double?
        /// Contrast as a multiple of the data's.
        let contrastRatio: Double
        let isLongAgo: Bool

        init(_ history: StudentHistory) {
            teacherError = history.first?[.teacherError]
            contrastRatio = history.first.map { StudentHealth([$0]).contrastRatio } ?? 0
            isLongAgo =
                history.lastSteps(StudentHealth.updatesFromBlank, having: StudentHealth.needed).count
                == StudentHealth.updatesFromBlank
        }
    }

    /// What makes these updates those of a collapsed student.
    private func collapse(since start: Start) -> String? {
        guard brightnessDrift.isFinite, contrastRatio.isFinite else { return "the student's images are not finite" }
        let hasVanished = contrastRatio < Self.vanishedShareOfStart * start.contrastRatio
        if contrastRatio < Self.vanishedContrast, hasVanished || start.isLongAgo {
            return "the images are constant: contrast \(figure(contrastRatio)) of the data's"
        }
        if contrastRatio > Self.explodedContrast {
            return "exploding drift: contrast \(figure(contrastRatio)) times the data's"
        }
        if brightnessDistance > Self.explodedBrightness {
            return "exploding drift: brightness is \(figure(brightnessDistance)) of the data's contrast off"
        }
        if let first = start.teacherError, let teacherError, teacherError > Self.explodedTeacherError * first {
            let growth = figure(teacherError / first)
            return "exploding drift: the teacher's error on the images is \(growth) times the first"
        }
        return nil
    }

    /// What is worth watching.
    private var doubt: String? {
        if abs(brightnessDrift) > Self.doubtfulBrightness { return "brightness drifts" }
        if contrastRatio > Self.doubtfulContrast { return "contrast grows" }
        if let criticLag, criticLag > Self.doubtfulLag { return "the critic lags; raise the ratio" }
        return nil
    }

    /// `healthy: brightness +0.02, contrast 0.97 of the data's, critic lag -0.03, head gap 0.41, GAN/DM gradient 0.8`.
    package var line: String {
        var parts = [
            "brightness \(signed(brightnessDrift))", "contrast \(figure(contrastRatio)) of the data's",
        ]
        if let criticLag { parts.append("critic lag \(signed(criticLag))") }
        if let headGap { parts.append("head gap \(figure(headGap))") }
        if let gradientRatio { parts.append("GAN/DM gradient \(figure(gradientRatio))") }
        let verdict = cause.map { "\(grade.rawValue) (\($0))" } ?? grade.rawValue
        return "\(verdict): " + parts.joined(separator: ", ")
    }

    private func signed(_ value: Double) -> String { (value < 0 ? "" : "+") + figure(value) }
}

// What is unknown is written as null: scripts find every key.
extension StudentHealth {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(grade, forKey: .grade)
        try container.encode(cause, forKey: .cause)
        try container.encode(brightnessDrift, forKey: .brightnessDrift)
        try container.encode(brightnessDistance, forKey: .brightnessDistance)
        try container.encode(contrastRatio, forKey: .contrastRatio)
        try container.encode(teacherError, forKey: .teacherError)
        try container.encode(criticLag, forKey: .criticLag)
        try container.encode(headGap, forKey: .headGap)
        try container.encode(matchingGradient, forKey: .matchingGradient)
        try container.encode(ganGradient, forKey: .ganGradient)
        try container.encode(gradientRatio, forKey: .gradientRatio)
        try container.encode(updates, forKey: .updates)
    }
}

/// A number with two digits after the point, as far as that is possible.
func figure(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let hundredths = Int((abs(value) * 100).rounded())
    let fraction = hundredths % 100
    return (value < 0 && hundredths > 0 ? "-" : "") + "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}

/// Why a run is ended before its goal: its training has gone wrong beyond repair.
package struct Collapse: Equatable, Sendable {
    /// The stage.
    package var stage: String
    /// The step at which it was noticed, and the student updates until then; nil in a stage without a student.
    package var step: Int
    package var studentUpdates: Int?
    /// What is wrong.
    package var cause: String
    /// State saved after more steps than these is not to be used: it was made by what went wrong.
    package var lastSoundStep: Int

    /// One line for a person: `distil collapsed at step 41 (student update 41): the images are constant …`.
    package var description: String {
        let update = studentUpdates.map { " (student update \($0))" } ?? ""
        return "\(stage) collapsed at step \(step)\(update): \(cause)"
    }
}
