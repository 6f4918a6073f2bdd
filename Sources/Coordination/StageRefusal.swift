/// Why a stage cannot do what a person asks of it.
package enum StageRefusal: Error, Equatable, Sendable {
    /// It trains no student, so it has no ratio.
    case noStudent
    /// The run sets the ratio itself.
    case automaticRatio
    /// It trains nothing, so there is no state to save.
    case nothingTrained
    /// The launch ends after the steps it was granted.
    case ending
    /// All its steps are granted.
    case allGranted
}
