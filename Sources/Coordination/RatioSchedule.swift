/// Which steps of a distillation update the student: a pure function of a few segments, so a journal or a
/// checkpoint that holds the segments replays the whole run.
///
/// In the segment that contains a step, the steps `anchorStep`, `anchorStep + ratio`, … update the student.
/// With ratio 5 from the start that is steps 0, 5, 10, …: every step updates the critic, one in five also the
/// student, as in DMD2's two time-scale update rule. Steps before the anchor are a warm-up of the critic.
package struct RatioSchedule: Codable, Equatable, Sendable {
    /// Steps under one ratio, up to the next segment's first step.
    package struct Segment: Codable, Equatable, Sendable {
        /// The first step the ratio applies to.
        package var firstStep: Int
        /// Critic updates per student update, at least 1.
        package var ratio: Int
        /// The first step from `firstStep` on that updates the student, were the segment endless.
        package var anchorStep: Int

        /// Creates a segment; see the properties for the meaning of each argument.
        package init(firstStep: Int, ratio: Int, anchorStep: Int) {
            precondition(ratio >= 1, "RatioSchedule: ratio \(ratio), at least 1 is needed")
            self.firstStep = firstStep
            self.ratio = ratio
            self.anchorStep = anchorStep
        }

        /// The first student step at or after `step`, were the segment endless.
        fileprivate func studentStep(from step: Int) -> Int {
            step <= anchorStep ? anchorStep : anchorStep + (step - anchorStep + ratio - 1) / ratio * ratio
        }
    }

    /// The segments, ascending by first step; the first begins at step 0.
    package private(set) var segments: [Segment]

    /// One ratio from the start on; the steps before `firstStudentStep` update the critic alone.
    package init(ratio: Int, firstStudentStep: Int = 0) {
        precondition(firstStudentStep >= 0, "RatioSchedule: a first student update at step \(firstStudentStep)")
        segments = [Segment(firstStep: 0, ratio: ratio, anchorStep: firstStudentStep)]
    }

    /// The segments of an earlier schedule; nil if they are none (empty, out of order, not from step 0).
    package init?(segments: [Segment]) {
        guard segments.first?.firstStep == 0,
            zip(segments, segments.dropFirst()).allSatisfy({ $0.firstStep < $1.firstStep })
        else { return nil }
        self.segments = segments
    }

    /// Changes the ratio from a step on and returns the new segment.
    ///
    /// The distance from the last student update counts: the next one comes `ratio` steps after the last, or at
    /// `firstStep` if that has passed. A warm-up that is not over stays as long as it is. Traps if the step lies before
    /// the last segment.
    @discardableResult
    package mutating func setRatio(_ ratio: Int, fromStep firstStep: Int) -> Segment {
        precondition(
            firstStep >= lastSegment.firstStep,
            "RatioSchedule: step \(firstStep) lies before the last change at \(lastSegment.firstStep)")
        let next = max(lastStudentStep(before: firstStep).map { $0 + ratio } ?? lastSegment.anchorStep, firstStep)
        let segment = Segment(firstStep: firstStep, ratio: ratio, anchorStep: next)
        if lastSegment.firstStep == firstStep { segments.removeLast() }
        segments.append(segment)
        return segment
    }

    /// The segment that begins last.
    package var lastSegment: Segment { segments[segments.count - 1] }

    /// The ratio in force at a step.
    package func ratio(at step: Int) -> Int { segment(at: step).ratio }

    /// What a step updates.
    package func kind(of step: Int) -> StepKind {
        segment(at: step).studentStep(from: step) == step ? .criticAndStudent : .criticOnly
    }

    /// How many of the steps before this one update the student.
    package func studentUpdates(before step: Int) -> Int {
        spans(before: step).reduce(0) { count, span in
            let first = span.segment.studentStep(from: span.segment.firstStep)
            return first >= span.end ? count : count + (span.end - 1 - first) / span.segment.ratio + 1
        }
    }

    /// The step of a student update, counted from 0. The stage of `n` student updates ends before the step of
    /// update `n`: then the cycle of the last one is complete.
    package func step(ofStudentUpdate index: Int) -> Int {
        precondition(index >= 0, "RatioSchedule: student update \(index)")
        let segment = segments.last { studentUpdates(before: $0.firstStep) <= index } ?? lastSegment
        let ahead = index - studentUpdates(before: segment.firstStep)
        return segment.studentStep(from: segment.firstStep) + ahead * segment.ratio
    }

    /// The last student step before a step; nil if there is none.
    package func lastStudentStep(before step: Int) -> Int? {
        let updates = studentUpdates(before: step)
        return updates == 0 ? nil : self.step(ofStudentUpdate: updates - 1)
    }

    private func segment(at step: Int) -> Segment {
        segments.last { $0.firstStep <= step } ?? segments[0]
    }

    /// Every segment that begins before a step, with the step at which it ends.
    private func spans(before step: Int) -> [(segment: Segment, end: Int)] {
        segments.indices.compactMap { index in
            guard segments[index].firstStep < step else { return nil }
            let next = index + 1 < segments.count ? segments[index + 1].firstStep : step
            return (segments[index], min(next, step))
        }
    }
}
