import Coordination

/// A run in Prometheus' text format, version 0.0.4. Dashboards read these names: they are added, never changed.
package struct PrometheusText {
    /// The content type of the format.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private typealias Sample = (labels: [(name: String, value: String)], value: Double)

    /// The whole page, a line feed at its end.
    package private(set) var text = ""

    /// Writes a run at a time on the monotonic clock, seconds.
    package init(_ observation: RunObservation) {
        describeRun(observation.status)
        describeProgress(observation.status, observation.counters)
        describeRanks(observation.status)
        describeFailures(observation.status, observation.counters)
        describeCheckpoints(observation.status, observation.counters)
        describeControlPlane(observation)
    }

    private mutating func describeRun(_ status: RunStatus) {
        gauge("run_info", "The run's name.", [([("run", status.run)], 1)])
        gauge(
            "state", "1 for the state the run is in, 0 for the others.",
            RunStatus.State.allCases.map { ([("state", $0.rawValue)], status.state == $0 ? 1 : 0) })
        gauge("generation", "Number of the current launch.", status.generation)
        gauge("world_size", "Ranks of the current launch that have reported.", status.ranks.count)
    }

    private mutating func describeProgress(_ status: RunStatus, _ counters: RunCounters) {
        if let stage = status.stage {
            gauge("stage_info", "The current stage.", [([("stage", stage)], 1)])
        }
        gauge("stage_index", "The current stage's place, from 0.", status.stageIndex)
        gauge("stage_step", "Completed steps of the current stage.", status.step)
        gauge("stage_steps", "Steps that the current stage has in all.", status.totalSteps)
        counter(
            "steps_total", "Steps completed since the coordinator began, by the network they updated.",
            counters.steps.sorted { $0.key < $1.key }.map { ([("net", $0.key)], Double($0.value)) })
        counter(
            "repeated_steps_total", "Steps done again because a failure lost them.",
            [([], Double(counters.repeatedSteps))])
        gauge("images_per_second", "Images that all ranks together consume.", [([], status.imagesPerSecond)])
        if let ratio = status.ratio { gauge("ratio", "Critic updates per student update.", ratio) }
        if let seconds = status.etaSeconds {
            gauge("stage_remaining_seconds", "Time to the end of the stage at the current speed.", [([], seconds)])
        }
        gauge(
            "metric", "The latest value of each metric of the stage, such as a loss.",
            status.losses.sorted { $0.key < $1.key }.map { ([("name", $0.key)], $0.value) })
    }

    private mutating func describeRanks(_ status: RunStatus) {
        func samples(_ value: (RunStatus.Rank) -> Double) -> [Sample] {
            status.ranks.map { ([("rank", "\($0.rank)"), ("host", $0.host)], value($0)) }
        }
        gauge("rank_step", "Completed steps of the stage, by rank.", samples { Double($0.step) })
        gauge("heartbeat_age_seconds", "Time since a rank's last sign of life.", samples(\.heartbeatAgeSeconds))
    }

    private mutating func describeFailures(_ status: RunStatus, _ counters: RunCounters) {
        counter("launches_total", "Launches begun since the coordinator began.", [([], Double(counters.launches))])
        counter("lost_ranks_total", "Ranks found dead or hung.", [([], Double(counters.lostRanks))])
        counter("failed_workers_total", "Ranks that said why they leave.", [([], Double(counters.failedWorkers))])
        gauge("restarts_without_progress", "Restarts since the last checkpoint.", status.restarts.used)
        gauge("restart_budget", "How many of those are allowed.", status.restarts.budget)
    }

    private mutating func describeCheckpoints(_ status: RunStatus, _ counters: RunCounters) {
        counter("checkpoints_total", "Checkpoints published.", [([], Double(counters.checkpoints))])
        counter(
            "checkpoint_failures_total", "Checkpoints that could not be published.",
            [([], Double(counters.failedCheckpoints))])
        guard let checkpoint = status.checkpoint else { return }
        let labels = [(name: "stage", value: checkpoint.stage)]
        gauge("checkpoint_last_step", "Step of the newest checkpoint.", [(labels, Double(checkpoint.step))])
        gauge("checkpoint_age_seconds", "Time since it was published.", [(labels, checkpoint.ageSeconds)])
    }

    private mutating func describeControlPlane(_ observation: RunObservation) {
        counter(
            "control_messages_total", "Messages that arrived, by what became of them.",
            RunCounters.Arrival.allCases.map {
                ([("arrival", $0.rawValue)], Double(observation.counters.messages[$0] ?? 0))
            })
        gauge("journal_bytes", "Size of the journal.", observation.journalBytes)
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        gauge(name, help, [([], Double(value))])
    }

    private mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        write(name, "gauge", help, samples)
    }

    private mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        write(name, "counter", help, samples)
    }

    /// A family without samples is left out.
    private mutating func write(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP dmd2_\(name) \(help)\n# TYPE dmd2_\(name) \(type)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            text += "dmd2_\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(Self.number(sample.value))\n"
        }
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case _ where character.isNewline: text += "\\n"
            default: text.append(character)
            }
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
