import Kernels

/// The Fréchet distance between two sets of images, each seen as a Gaussian in feature space.
///
/// Formula: |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁ C₂)^½), Heusel et al. 2017, equation 6.
/// Differs: the features are those of our classifier, not Inception's, so a value compares with others of the same
/// classifier only. The square root's trace is taken as that of (C₁^½ C₂ C₁^½)^½, which has the same eigenvalues and is
/// symmetric, so nothing complex appears and no small number need be added to a diagonal.
package enum FrechetDistance {
    /// The fewest vectors of `featureCount` features that give a covariance of full rank.
    package static func minimumSamples(featureCount: Int) -> Int { featureCount + 1 }

    /// The distance between two sets, in squared units of the features; 0 for equal sets.
    ///
    /// Traps: if the numbers of features differ.
    /// Throws: when a set has too few samples, or features that are not finite.
    package static func between(
        _ first: FeatureStatistics, _ second: FeatureStatistics
    ) throws(EvaluationError) -> Double {
        let order = first.featureCount
        precondition(second.featureCount == order, "distance between \(order) and \(second.featureCount) features")
        try check(first)
        try check(second)
        let meanTerm = zip(first.mean, second.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let covariances = (first.covariance, second.covariance)
        let spread = trace(covariances.0, order) + trace(covariances.1, order)
        let overlap = traceOfProductRoot(covariances.0, covariances.1, order)
        // Rounding may leave a tiny negative number where the sets are equal.
        return max(0, meanTerm + spread - 2 * overlap)
    }

    private static func check(_ statistics: FeatureStatistics) throws(EvaluationError) {
        let needed = minimumSamples(featureCount: statistics.featureCount)
        guard statistics.count >= needed else {
            throw .tooFewSamples(count: statistics.count, needed: needed, features: statistics.featureCount)
        }
        guard statistics.mean.allSatisfy(\.isFinite), statistics.scatter.allSatisfy(\.isFinite) else {
            throw .featuresNotFinite
        }
    }

    private static func trace(_ matrix: [Double], _ order: Int) -> Double {
        (0..<order).reduce(0) { $0 + matrix[$1 * (order + 1)] }
    }

    /// tr (C₁ C₂)^½ = tr (C₁^½ C₂ C₁^½)^½.
    private static func traceOfProductRoot(_ first: [Double], _ second: [Double], _ order: Int) -> Double {
        let root = squareRoot(first, order)
        let half = matrixProduct(root, second, rows: order, inner: order, columns: order)
        let product = matrixProduct(half, root, rows: order, inner: order, columns: order)
        // Eigenvalues that rounding made negative stand for zero.
        return symmetricEigen(product, order: order).values.reduce(0) { $0 + max(0, $1).squareRoot() }
    }

    /// The symmetric square root of a covariance: Vᵀ diag(√λ) V, with the eigenvectors in the rows of V.
    private static func squareRoot(_ matrix: [Double], _ order: Int) -> [Double] {
        let (values, vectors) = symmetricEigen(matrix, order: order)
        let scaled = vectors.indices.map { max(0, values[$0 / order]).squareRoot() * vectors[$0] }
        return matrixProduct(vectors, scaled, rows: order, inner: order, columns: order, transposingLeft: true)
    }
}
