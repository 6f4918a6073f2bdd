import Glibc

/// The noise levels that a network knows: 1000, by index, from the smallest up.
///
/// A process x_t = alpha x0 + sigma eps, divided by alpha, is x0 + s eps with s = sigma / alpha. This s is what "sigma"
/// means in all of the project, so that losses, samplers and students do not depend on the process; what the network
/// itself sees is the business of ``Preconditioning``.
package enum NoiseSchedule: String, Sendable, CaseIterable {
    /// x0 + s eps, s from 0.002 to 80 as in ``KarrasSchedule``.
    case karras
    /// √ā x0 + √(1 - ā) eps, ā the running product of 1 - beta, √beta even from √0.00085 to √0.012: the schedule of Stable
    /// Diffusion v1.5 and XL.
    case stableDiffusion
    /// (1 - t) x0 + t eps, t = (index + ½) / 1000: the linear path of flow matching, without its ends.
    case flow

    /// The number of levels.
    package static let levels = 1000

    /// s of level `index`.
    ///
    /// Traps: if there is no such level.
    package func sigma(_ index: Int) -> Float {
        precondition((0..<Self.levels).contains(index), "NoiseSchedule: level \(index) of \(Self.levels)")
        switch self {
        case .karras: return KarrasSchedule().sigma(index)
        case .stableDiffusion: return Float(Self.stableDiffusionSigmas[index])
        case .flow:
            let t = (Double(index) + 0.5) / Double(Self.levels)
            return Float(t / (1 - t))
        }
    }

    /// The sigmas of several levels.
    package func sigmas(_ indices: [Int]) -> [Float] { indices.map(sigma) }

    /// The time of a noise level, by which a network is told which one it is: the index, whole or in between, of `karras`
    /// and `stableDiffusion`, whose ends it does not leave; 1000 t of `flow`.
    package func time(_ sigma: Float) -> Float {
        let s = Double(sigma)
        let last = Self.levels - 1
        switch self {
        case .karras:
            let schedule = KarrasSchedule()
            let ends = (pow(schedule.sigmaMin, 1 / schedule.rho), pow(schedule.sigmaMax, 1 / schedule.rho))
            let share = (pow(s, 1 / schedule.rho) - ends.0) / (ends.1 - ends.0)
            return Float(min(1, max(0, share)) * Double(last))
        case .stableDiffusion:
            let sigmas = Self.stableDiffusionSigmas
            if s <= sigmas[0] { return 0 }
            if s >= sigmas[last] { return Float(last) }
            var (low, high) = (0, last)
            while high - low > 1 {
                let middle = (low + high) / 2
                if sigmas[middle] <= s { low = middle } else { high = middle }
            }
            return Float(Double(low) + log(s / sigmas[low]) / log(sigmas[high] / sigmas[low]))
        case .flow:
            return Float(Double(Self.levels) * s / (1 + s))
        }
    }

    /// The levels of a sampler with `count` steps, from `start`, or the largest, down; after the last comes 0.
    ///
    /// Between the bounds of `karras` and `stableDiffusion` they are even in sigma^(1/7), in `flow` even in t.
    /// Traps: with fewer than two, and if the start is not above the smallest level.
    package func samplingSigmas(_ count: Int, from start: Float? = nil) -> [Float] {
        let start = start.map { Double($0) }
        if let start {
            precondition(
                start > Double(sigma(0)), "NoiseSchedule: from \(start), not above the smallest level \(sigma(0))")
        }
        switch self {
        case .karras: return KarrasSchedule(sigmaMax: start ?? 80, levels: count).descending
        case .stableDiffusion:
            return KarrasSchedule(
                sigmaMin: Self.stableDiffusionSigmas[0],
                sigmaMax: start ?? Self.stableDiffusionSigmas[Self.levels - 1], levels: count
            ).descending
        case .flow:
            precondition(count >= 2, "NoiseSchedule: \(count) steps")
            let top = start.map { $0 / (1 + $0) } ?? (Double(Self.levels) - 0.5) / Double(Self.levels)
            return (0..<count).map { step in
                let t = top * Double(count - step) / Double(count)
                return Float(t / (1 - t))
            }
        }
    }

    private static let stableDiffusionSigmas: [Double] = {
        let (first, last) = (0.000_85.squareRoot(), 0.012.squareRoot())
        var kept = 1.0
        return (0..<levels).map { index in
            let root = first + (last - first) * Double(index) / Double(levels - 1)
            kept *= 1 - root * root
            return ((1 - kept) / kept).squareRoot()
        }
    }()
}

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

    /// All sigmas, from the largest down.
    fileprivate var descending: [Float] { (0..<levels).reversed().map(sigma) }
}
