/// How strongly the GAN pulls at the student's images beside distribution matching.
package enum GradientRatio {
    /// (mean norm of the GAN's gradient at an image, with its weight) / (mean norm of the matching loss's), over these
    /// updates; nil without both, or where the matching gradient is 0, as in the first update, whose critic is the teacher.
    ///
    /// A ratio of means: a mean of the updates' ratios would follow the few whose matching gradient happens to be small.
    package static func of(_ updates: [StudentHistory.Update]) -> Double? {
        let matching = updates.compactMap { $0[.matchingGradient] }
        let gan = updates.compactMap { $0[.ganGradient] }
        guard !matching.isEmpty, !gan.isEmpty else { return nil }
        let mean = matching.reduce(0, +) / Double(matching.count)
        return mean > 0 ? gan.reduce(0, +) / Double(gan.count) / mean : nil
    }
}
