/// What the evaluation of a run on a known mixture found, and the shape of its `evaluation.json`.
///
/// The figures at the top are the student's: they are the run's result.
package struct PointEvaluationResult: Codable, Sendable, Equatable {
    /// How one generator did.
    package struct Generator: Codable, Sendable, Equatable {
        /// Evaluations of the network for one point.
        package var networkCalls: Int
        /// The modes that have at least half their points within three deviations.
        package var modesFound: Int
        /// The largest error of a mode's share, in terms of its weight.
        package var worstWeightError: Double
        /// The energy distance to the data.
        package var energyDistance: Double

        /// The figures of one generator.
        package init(networkCalls: Int, coverage: ModeCoverage, energyDistance: Double) {
            self.networkCalls = networkCalls
            modesFound = coverage.found
            worstWeightError = coverage.worstWeightError
            self.energyDistance = energyDistance
        }

        private enum CodingKeys: String, CodingKey {
            case networkCalls = "network_calls"
            case modesFound = "modes_found"
            case worstWeightError = "worst_weight_error"
            case energyDistance = "energy_distance"
        }
    }

    /// The modes of the mixture.
    package let modes: Int
    /// The modes the student has found.
    package let modesFound: Int
    /// The largest error of a mode's share among the student's points, in terms of its weight.
    package let worstWeightError: Double
    /// The energy distance of the student's points to the data.
    package let energyDistance: Double
    /// The energy distance of as many points of the mixture itself to the data, the mean over some such sets.
    package let energyDistanceOfFreshData: Double
    /// The student's and the teacher's figures.
    package let student: Generator, teacher: Generator
    /// What the teacher is: a trained network or the closed form.
    package let teacherKind: String
    /// The points of each generator, and of the data.
    package let points: Int, dataPoints: Int
    /// The seed of the generated points.
    package let seed: UInt64

    /// The result, with the student's figures at the top.
    package init(
        student: Generator, teacher: Generator, teacherKind: String, energyDistanceOfFreshData: Double, modes: Int,
        points: Int, dataPoints: Int, seed: UInt64
    ) {
        (self.student, self.teacher, self.teacherKind) = (student, teacher, teacherKind)
        modesFound = student.modesFound
        worstWeightError = student.worstWeightError
        energyDistance = student.energyDistance
        self.energyDistanceOfFreshData = energyDistanceOfFreshData
        (self.modes, self.points, self.dataPoints, self.seed) = (modes, points, dataPoints, seed)
    }

    /// The text of `evaluation.json`. Traps: if a figure is not finite.
    package var json: String { evaluationText(of: self) }

    private enum CodingKeys: String, CodingKey {
        case modes, student, teacher, points, seed
        case modesFound = "modes_found"
        case worstWeightError = "worst_weight_error"
        case energyDistance = "energy_distance"
        case energyDistanceOfFreshData = "energy_distance_of_fresh_data"
        case teacherKind = "teacher_kind"
        case dataPoints = "data_points"
    }
}
