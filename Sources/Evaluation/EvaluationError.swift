/// What can go wrong in an evaluation that is not a mistake of the program.
package enum EvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A covariance of `features` features was asked of `count` images, of which at least `needed` are needed.
    case tooFewSamples(count: Int, needed: Int, features: Int)
    /// Features, and so their statistics, are NaN or infinite.
    case featuresNotFinite
    /// libpng refused an image, with its own message.
    case png(operation: String, reason: String)

    /// One line: what failed, where, and what to do next.
    package var description: String {
        switch self {
        case .tooFewSamples(let count, let needed, let features):
            "Fréchet distance: \(count) images are too few for \(features) features; "
                + "use at least \(needed) (evaluate.images, and as many real images)"
        case .featuresNotFinite:
            "Fréchet distance: the features contain NaN or infinity; "
                + "the generator or the classifier has diverged, lower its learning rate"
        case .png(let operation, let reason):
            "PNG: \(operation) failed: \(reason)"
        }
    }
}
