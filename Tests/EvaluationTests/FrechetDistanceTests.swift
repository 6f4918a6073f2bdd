import Evaluation
import Glibc
import Testing

/// Rows (±a, 0), (0, ±b): mean 0, unbiased covariance diag(2a²/3, 2b²/3).
private func cross(_ a: Float, _ b: Float, at centre: (Float, Float) = (0, 0)) -> [Float] {
    [(a, 0), (-a, 0), (0, b), (0, -b)].flatMap { [$0.0 + centre.0, $0.1 + centre.1] }
}

private func statistics(_ features: [Float], featureCount: Int) -> FeatureStatistics {
    var statistics = FeatureStatistics(featureCount: featureCount)
    statistics.add(features)
    return statistics
}

/// Five correlated features that numpy can make too.
private func waves(rows: Int, phase: Double) -> [Float] {
    (0..<rows * 5).map { index in
        let (i, j) = (Double(index / 5), Double(index % 5))
        return Float(sin(phase + 0.7 * i * (j + 1)) + 0.1 * j * cos(1.3 * i))
    }
}

@Test("Equal sets are at distance zero")
func equalSets() throws {
    let set = statistics(waves(rows: 40, phase: 0.5), featureCount: 5)
    // Terms of size 5 cancel; double precision leaves a few of their last bits, and a square root halves the digits of
    // an eigenvalue near zero.
    #expect(try FrechetDistance.between(set, set) < 1e-12)
}

@Test("A shift of the mean costs its squared length, also far from the origin")
func shiftedMean() throws {
    let first = statistics(cross(1, 2, at: (1000, 0)), featureCount: 2)
    let second = statistics(cross(1, 2, at: (1003, 4)), featureCount: 2)
    #expect(abs(try FrechetDistance.between(first, second) - 25) < 1e-9)
}

@Test("Diagonal covariances give the sum of squared differences of deviations")
func diagonalCovariances() throws {
    let first = statistics(cross(3, 5), featureCount: 2)
    let second = statistics(cross(4, 1), featureCount: 2)
    #expect(first.covariance == [6, 0, 0, 50.0 / 3])
    // Deviations are √(2/3)·(3, 5) and √(2/3)·(4, 1).
    #expect(abs(try FrechetDistance.between(first, second) - 2.0 / 3 * (1 + 16)) < 1e-12)
}

// numpy 2.4.6, scipy 1.17.1:
//   def features(rows, phase):
//       i, j = np.meshgrid(np.arange(rows), np.arange(5), indexing="ij")
//       return (np.sin(phase + 0.7 * i * (j + 1)) + 0.1 * j * np.cos(1.3 * i)).astype(np.float32).astype(np.float64)
//   a, b = features(40, 0.5), features(60, 1.25)
//   c, d = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
//   m = a.mean(0) - b.mean(0)
//   print(repr(m @ m + np.trace(c + d - 2 * scipy.linalg.sqrtm(c @ d).real)))
@Test("Full covariances agree with scipy")
func agreesWithScipy() throws {
    let first = statistics(waves(rows: 40, phase: 0.5), featureCount: 5)
    let second = statistics(waves(rows: 60, phase: 1.25), featureCount: 5)
    let expected = 0.4972539310740888
    // Both work in double precision, in other orders; a feature may also differ in its last float bit.
    #expect(abs(try FrechetDistance.between(first, second) - expected) < 1e-7)
    #expect(abs(try FrechetDistance.between(second, first) - expected) < 1e-7)
}

@Test("Batches and merged parts give the statistics of the whole", arguments: [1, 7, 20, 40])
func mergedStatistics(rowsPerPart: Int) {
    let all = waves(rows: 40, phase: 0.5)
    let whole = statistics(all, featureCount: 5)
    let parts = stride(from: 0, to: 40, by: rowsPerPart).map { start in
        statistics(Array(all[start * 5..<min(40, start + rowsPerPart) * 5]), featureCount: 5)
    }
    let merged = FeatureStatistics(merging: parts)
    #expect(merged.count == 40)
    #expect(zip(merged.mean, whole.mean).allSatisfy { abs($0 - $1) < 1e-14 })
    #expect(zip(merged.scatter, whole.scatter).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(merged == FeatureStatistics(merging: parts), "the same parts in the same order give the same bits")
}

@Test("Too few samples, and features that are not finite, are errors in words")
func refusedSets() {
    let small = statistics(cross(1, 1), featureCount: 4)
    #expect(throws: EvaluationError.tooFewSamples(count: 2, needed: 5, features: 4)) {
        try FrechetDistance.between(small, small)
    }
    let broken = statistics(cross(1, .nan), featureCount: 2)
    #expect(throws: EvaluationError.featuresNotFinite) { try FrechetDistance.between(broken, broken) }
}
