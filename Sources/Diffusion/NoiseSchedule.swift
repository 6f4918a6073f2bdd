import Glibc

/// The noise levels of Karras et al. 2022: sigma runs between two bounds, evenly in sigma^(1/rho).
package struct KarrasSchedule: Sendable, Equatable {
    /// The smallest and the largest sigma, in units of pixel value in -1...1, and the exponent.
    package let sigmaMin: Double, sigmaMax: Double, rho: Double
    /// The number of levels.
    package let levels: Int

    /// The published bounds; DMD2 indexes 1000 levels.
    package init(sigmaMin: Double = 0.002, sigmaMax: Double = 80, rho: Double = 7, levels: Int = 1000) {
        precondition(levels >= 2, "KarrasSchedule: \(levels) levels")
        (self.sigmaMin, self.sigmaMax, self.rho, self.levels) = (sigmaMin, sigmaMax, rho, levels)
    }

    /// The sigma of level `index`, ascending: 0 is the smallest.
    ///
    /// Formula: (smax^(1/rho) + r (smin^(1/rho) - smax^(1/rho)))^rho, r = (levels - 1 - index) / (levels - 1).
    /// Traps: if there is no such level.
    package func sigma(_ index: Int) -> Float {
        precondition((0..<levels).contains(index), "KarrasSchedule: level \(index) of \(levels)")
        let r = Double(levels - 1 - index) / Double(levels - 1)
        let (top, bottom) = (pow(sigmaMax, 1 / rho), pow(sigmaMin, 1 / rho))
        return Float(pow(top + r * (bottom - top), rho))
    }

    /// The sigmas of several levels.
    package func sigmas(_ indices: [Int]) -> [Float] { indices.map(sigma) }
}
