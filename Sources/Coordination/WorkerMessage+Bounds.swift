extension WorkerMessage {
    /// Numbers of steps, updates and ratios beyond this are no run's, and sums of them could overflow.
    package static let maximumCount = 1 << 40
    /// A longer reason or notice is not taken, bytes.
    package static let maximumTextBytes = 1 << 16

    /// What no worker of this project says, in words; nil if all is within bounds.
    ///
    /// The key that a message came with says whose it is, not that its sender is sound: what is out of bounds would end
    /// the coordinator, name a folder outside the run, or fill the memory.
    package var problem: String? {
        switch self {
        case .hello(let host, let pid, _):
            host.utf8.count <= 255 && pid > 0 ? nil : "no machine's name or process"
        case .heartbeat(let heartbeat):
            heartbeat.problem
        case .beginStage(let stage):
            stage.problem
        case .planRequest(let stage, let step), .stageFinished(let stage, let step):
            Self.problem(stage: stage, step: step)
        case .checkpointPrepared(let checkpoint):
            Self.problem(stage: checkpoint.stage, step: checkpoint.step)
        case .checkpointDropped(let stage, let step, let reason):
            Self.problem(stage: stage, step: step) ?? Self.problem(text: reason)
        case .notice(let text), .failed(_, let text):
            Self.problem(text: text)
        case .finished:
            nil
        }
    }

    /// A stage's name becomes part of a path.
    fileprivate static func isStageName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func problem(text: String) -> String? {
        text.utf8.count <= maximumTextBytes ? nil : "a text of \(text.utf8.count) bytes"
    }

    fileprivate static func problem(stage: String, step: Int) -> String? {
        guard isStageName(stage) else { return "no stage's name" }
        return (0...maximumCount).contains(step) ? nil : "step \(step)"
    }
}

extension Heartbeat {
    fileprivate var problem: String? {
        // Empty before the first stage.
        guard stage.isEmpty || WorkerMessage.isStageName(stage) else { return "no stage's name" }
        let counts = [step, totalSteps, progressCounter, collectives, number ?? 0]
        for count in counts where !(0...WorkerMessage.maximumCount).contains(count) {
            return "count \(count)"
        }
        for value in [slowestStepSeconds, stepsPerSecond, imagesPerSecond] where !(0...1e12).contains(value) {
            return "duration or speed \(value)"
        }
        for row in metrics where !(0...WorkerMessage.maximumCount).contains(row.step) {
            return "a metric of step \(row.step)"
        }
        return metrics.allSatisfy { $0.name.utf8.count <= 128 } ? nil : "a metric's name of over 128 bytes"
    }
}

extension StageDeclaration {
    fileprivate var problem: String? {
        let counts =
            switch goal {
            case .steps(let count), .tasks(let count): [count, 1]
            case .studentUpdates(let count, let ratio, _, _): [count, ratio]
            }
        if case .studentUpdates(_, _, let warmup, let control) = goal {
            guard (0...WorkerMessage.maximumCount).contains(warmup) else { return "a warm-up of \(warmup) steps" }
            if let control, !(1...WorkerMessage.maximumCount).contains(control.batch) {
                return "batches of \(control.batch)"
            }
        }
        guard counts[0] >= 0, counts[1] >= 1, counts.allSatisfy({ $0 <= WorkerMessage.maximumCount }),
            counts[0].multipliedReportingOverflow(by: counts[1]).overflow == false,
            counts[0] * counts[1] <= WorkerMessage.maximumCount
        else { return "a stage's goal of \(counts)" }
        guard (1...WorkerMessage.maximumCount).contains(windowSteps) else { return "windows of \(windowSteps) steps" }
        for count in [index, self.count, checkpointInterval, stopAfter ?? 0, batch, epochSamples]
        where !(0...WorkerMessage.maximumCount).contains(count) {
            return "count \(count)"
        }
        guard (0...1).contains(maximumStallShare) else { return "a share of \(maximumStallShare)" }
        return WorkerMessage.problem(stage: name, step: startStep)
    }
}
