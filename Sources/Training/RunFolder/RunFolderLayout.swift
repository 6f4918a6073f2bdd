package import Checkpoints
import Foundation

/// Where things are in a run folder. Whoever opens a file of a run asks here.
package struct RunFolderLayout: Sendable, Equatable {
    /// The folder.
    package let path: String

    package init(_ path: String) { self.path = path }

    /// The resolved configuration.
    package var configuration: String { path + "/run.yaml" }
    /// Events, plans, steps, metrics and checkpoints, for `sqlite3`.
    package var journal: String { path + "/journal.sqlite" }
    /// Measured by the evaluation.
    package var evaluation: String { path + "/evaluation.json" }
    /// The page for a person.
    package var report: String { path + "/report.html" }
    /// Pictures of generated images.
    package var samples: String { path + "/samples" }
    /// One picture, by its name without the ending.
    package func samples(_ name: String) -> String { samples + "/" + name + ".png" }
    /// A folder of checkpoints for each stage.
    package var checkpoints: String { path + "/checkpoints" }
    /// The checkpoints of one stage; `retention` matters to whoever removes some.
    package func checkpoints(of stage: String, retention: RetentionPolicy = RetentionPolicy()) -> CheckpointStore {
        CheckpointStore(folder: checkpoints + "/" + stage, retention: retention, failpoint: .ofEnvironment)
    }
    /// A folder for each stage whose ranks keep saves on their machines.
    package var nodeCheckpoints: String { path + "/node-checkpoints" }
    /// The manifests of a stage's checkpoints whose files are on the machines of the ranks. As many as a store must keep:
    /// the newest, and one before it for the case that it cannot be put together.
    package func nodeCheckpoints(of stage: String) -> CheckpointStore {
        CheckpointStore(
            folder: nodeCheckpoints + "/" + stage, retention: RetentionPolicy(keepLast: 2),
            failpoint: .ofEnvironment)
    }
    /// Pairs of noise and the teacher's image.
    package var pairs: String { path + "/pairs" }
    /// How to reach the coordinator, while there is one.
    package var coordinatorAddress: String { path + "/coordinator.json" }
    /// What the coordinator did.
    package var coordinatorLog: String { path + "/logs/coordinator.log" }
    /// What mpirun and the ranks of one launch said: a folder.
    package func logs(ofGeneration generation: Int) -> String { logs + "/" + Self.logsPrefix + "\(generation)" }
    private var logs: String { path + "/logs" }
    private static let logsPrefix = "generation-"
    /// Number of the last launch that left logs; 0 if none did.
    package var lastLoggedGeneration: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: logs)) ?? []
        return names.filter { $0.hasPrefix(Self.logsPrefix) }.compactMap { Int($0.dropFirst(Self.logsPrefix.count)) }
            .max() ?? 0
    }
    /// Held by the process that owns the run.
    package var lock: String { path + "/" + Self.lockName }
    /// What the last fresh start moved aside: a folder.
    package var previous: String { path + "/" + Self.previousName }

    /// What a fresh start leaves where it is.
    static let stayingNames: Set = [lockName, previousName]
    private static let lockName = "lock"
    private static let previousName = "previous"
}
