import Coordination
package import Journal

/// How a launch ended, as the journal tells.
package enum LaunchEnding: String, Sendable, Encodable {
    /// It lives, or the journal does not say.
    case open
    /// Nobody saw its end, which is past: coordinator and launch were killed, or the machine went down.
    case unseen
    /// Every stage is complete.
    case finished
    /// The run was asked to stop.
    case stopped
    /// It gave way, with its state saved, to a launch on other hosts.
    case resized
    /// Something failed.
    case failed

    /// True if something went wrong.
    package var isFailure: Bool { [.failed, .unseen].contains(self) }

    /// The endings of all launches of a run, in order. Where the run lives its last launch does, if the journal has no end
    /// of it; no other can.
    package static func all(
        of generations: [GenerationRecord], events: [EventRecord], isLive: Bool
    ) -> [(launch: Int, ending: LaunchEnding)] {
        let alive = isLive ? generations.last?.generation : nil
        return generations.map { record in
            let ending = LaunchEnding(of: record, events: events)
            return (record.generation, ending == .open && record.generation != alive ? .unseen : ending)
        }
    }

    /// The ending of one launch among the events of its run, as far as they tell: never `unseen`.
    package init(of record: GenerationRecord, events: [EventRecord]) {
        let own = events.filter { $0.generation == record.generation }
        // A run may also be ended while it waits for the launch after a failed one: that is no word about this one.
        let end = own.last { event in
            event.kind == "run_ended" && record.cause.map { $0 == event.particulars["message"] } ?? true
        }
        if let end, end.particulars["message"]?.hasPrefix(Supervisor.unsavedStop) == true {
            self = .failed
        } else if let end {
            self = Self.ending(end.particulars["status"], isFinished: own.contains { $0.kind == "finished" })
        } else if let cause = record.cause {
            let isResize = own.contains { $0.kind == "resize" && $0.particulars["reason"] == cause }
            self = isResize ? .resized : .failed
        } else {
            self = .open
        }
    }

    private static func ending(_ status: String?, isFinished: Bool) -> LaunchEnding {
        switch status.flatMap({ Int32($0) }).flatMap(ExitStatus.init(rawValue:)) {
        case .done: isFinished ? .finished : .stopped
        case .stoppedResumable: .stopped
        default: .failed
        }
    }
}
