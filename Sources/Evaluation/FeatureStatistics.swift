import Kernels

/// Mean and scatter of feature vectors, accumulated batch by batch in double precision.
///
/// Batches are centred before they are multiplied, so a large mean costs no digits. How the vectors are cut into
/// batches, and the order of `add` and `merge`, change the last bits only; the same cuts in the same order give the
/// same bits, whatever the number of ranks.
package struct FeatureStatistics: Sendable, Equatable {
    /// The number of feature vectors seen.
    package private(set) var count = 0
    /// The mean vector, `[D]`.
    package private(set) var mean: [Double]
    /// Σ (x - mean)(x - mean)ᵀ, `[D, D]`.
    package private(set) var scatter: [Double]

    /// Statistics of no vector yet, of `featureCount` features.
    ///
    /// Traps: if `featureCount` is not positive.
    package init(featureCount: Int) {
        precondition(featureCount > 0, "statistics of \(featureCount) features")
        mean = [Double](repeating: 0, count: featureCount)
        scatter = [Double](repeating: 0, count: featureCount * featureCount)
    }

    /// The merge of partial statistics in the order given, which callers fix: by shard, not by arrival.
    ///
    /// Traps: if `partials` is empty or their feature counts differ.
    package init(merging partials: [FeatureStatistics]) {
        precondition(!partials.isEmpty, "merge of 0 partial statistics")
        self = partials.dropFirst().reduce(into: partials[0]) { $0.merge($1) }
    }

    /// The number of features, D.
    package var featureCount: Int { mean.count }

    /// Takes in a batch of features, `[N, D]` row-major.
    ///
    /// Traps: if the count is not a multiple of D.
    package mutating func add(_ features: [Float]) {
        let width = featureCount
        precondition(features.count.isMultiple(of: width), "\(features.count) values in rows of \(width) features")
        guard !features.isEmpty else { return }
        var batch = FeatureStatistics(featureCount: width)
        batch.count = features.count / width
        for (index, value) in features.enumerated() { batch.mean[index % width] += Double(value) }
        for column in 0..<width { batch.mean[column] /= Double(batch.count) }
        let centred = features.indices.map { Double(features[$0]) - batch.mean[$0 % width] }
        batch.scatter = matrixProduct(
            centred, centred, rows: width, inner: batch.count, columns: width, transposingLeft: true)
        merge(batch)
    }

    /// Takes in the vectors that `other` has seen.
    ///
    /// Formula: the pairwise update of Chan, Golub and LeVeque (1979), equation 2.1, for vectors.
    /// Traps: if the feature counts differ.
    package mutating func merge(_ other: FeatureStatistics) {
        precondition(
            other.featureCount == featureCount, "merge of \(featureCount) and \(other.featureCount) features")
        guard other.count > 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let total = Double(count + other.count)
        let share = Double(other.count) / total
        let weight = Double(count) * share
        let difference = zip(other.mean, mean).map { $0 - $1 }
        for row in 0..<featureCount {
            mean[row] += share * difference[row]
            for column in 0..<featureCount {
                let index = row * featureCount + column
                scatter[index] += other.scatter[index] + weight * difference[row] * difference[column]
            }
        }
        count += other.count
    }

    /// The unbiased covariance, scatter / (N - 1), `[D, D]`.
    ///
    /// Traps: if fewer than two vectors were seen.
    package var covariance: [Double] {
        precondition(count >= 2, "covariance of \(count) vectors")
        return scatter.map { $0 / Double(count - 1) }
    }
}
