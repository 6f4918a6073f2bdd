package import Diffusion
package import Distillation

/// Everything a run depends on; one property per section of the configuration file.
///
/// `RunConfiguration+Schema.swift` maps keys to properties and says which values a key may have,
/// `RunConfiguration+Relations.swift` which values fit together, `RunConfiguration+Loading.swift` reads a file.
package struct RunConfiguration: Sendable, Equatable {
    /// Name, folder and seed.
    package var run = RunIdentity()

    /// How the workers are started.
    package var launch = LaunchConfiguration()

    /// How the run is supervised.
    package var coordinator = CoordinatorConfiguration()

    /// Which checkpoints are kept.
    package var checkpoints = CheckpointConfiguration()

    /// Where the images come from.
    package var data = DataConfiguration()

    /// The network shared by teacher, critic and student, and the shape of an image.
    package var network = NetworkConfiguration()

    /// What the networks compute in.
    package var precision = PrecisionConfiguration()

    /// The stage that trains the teacher.
    package var teacher = TeacherConfiguration()

    /// The stage that trains the judge of the evaluation.
    package var classifier = ClassifierConfiguration()

    /// The stage that distils the teacher into the student.
    package var distil = DistillationConfiguration()

    /// The stage that compares teacher and student.
    package var evaluate = EvaluationConfiguration()

    /// A run named `name` in `runs/NAME`, everything else at its default.
    package init(name: String) {
        run.name = name
        run.folder = Self.defaultFolder(name: name)
    }

    static func defaultFolder(name: String) -> String { "runs/\(name)" }
}
