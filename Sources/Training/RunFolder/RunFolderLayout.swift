/// Where things are in a run folder.
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
    /// The checkpoints of one stage.
    package func checkpoints(of stage: String) -> String { path + "/checkpoints/" + stage }
}
