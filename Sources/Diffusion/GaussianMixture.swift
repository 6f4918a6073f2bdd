import Glibc
import Tensors

/// A mixture of isotropic Gaussians: a distribution whose optimal denoiser is known at every noise level.
package struct GaussianMixture: Sendable, Equatable {
    /// One Gaussian.
    package struct Component: Sendable, Equatable {
        /// Its share of the distribution.
        package let weight: Double
        /// Its centre, one number per dimension.
        package let mean: [Double]
        /// The variance in each dimension.
        package let variance: Double

        package init(weight: Double, mean: [Double], variance: Double) {
            (self.weight, self.mean, self.variance) = (weight, mean, variance)
        }
    }

    /// The Gaussians.
    package let components: [Component]
    /// The numbers of a point.
    package let dimensions: Int

    /// Traps: without a component, if they differ in their dimensions, if a variance or weight is not positive, or if the
    /// weights do not add up to 1.
    package init(_ components: [Component]) {
        precondition(!components.isEmpty, "mixture of 0 Gaussians")
        dimensions = components[0].mean.count
        let total = components.reduce(0) { $0 + $1.weight }
        precondition(abs(total - 1) < 1e-9, "mixture: the weights add up to \(total)")
        for component in components {
            precondition(
                component.mean.count == dimensions && component.variance > 0 && component.weight > 0,
                "mixture of \(dimensions) dimensions: component \(component)")
        }
        self.components = components
    }

    /// Eight modes on a circle of radius 0.7 around the origin of the plane, the first on the positive x axis, with a
    /// standard deviation of 0.05 each and weights from 0.05 to 0.2; over all 0.5 in each dimension.
    package static let eightModes = GaussianMixture(
        [4, 1, 3, 2, 4, 1, 2, 3].enumerated().map { index, share in
            let angle = Double(index) * .pi / 4
            return Component(weight: share / 20, mean: [0.7 * cos(angle), 0.7 * sin(angle)], variance: 0.05 * 0.05)
        })

    /// The mean of the points that may have become `x` by noise of standard deviation `sigma`: the optimal denoiser.
    ///
    /// Formula: D(x; s) = Σ r_k (v_k x + s² m_k) / (v_k + s²), with r_k in proportion to the weight of component k times
    /// the density of N(m_k, v_k + s²) at x.
    /// Traps: if `x` has other dimensions.
    package func denoised(_ x: [Double], sigma: Double) -> [Double] {
        precondition(x.count == dimensions, "mixture of \(dimensions) dimensions: a point of \(x.count)")
        let logDensities = components.map { component -> Double in
            let spread = component.variance + sigma * sigma
            let distance = zip(x, component.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            return log(component.weight) - (Double(dimensions) * log(spread) + distance / spread) / 2
        }
        // The largest is taken out first: far from all modes every density is 0 in floating point.
        let largest = logDensities.max() ?? 0
        let densities = logDensities.map { exp($0 - largest) }
        let total = densities.reduce(0, +)
        var result = [Double](repeating: 0, count: dimensions)
        for (component, density) in zip(components, densities) {
            let spread = component.variance + sigma * sigma
            for index in result.indices {
                result[index] +=
                    density / total * (component.variance * x[index] + sigma * sigma * component.mean[index]) / spread
            }
        }
        return result
    }

    /// Points drawn from the mixture, `[count, dimensions]`; set 0 of a run is its data, others are fresh ones.
    package func points(_ count: Int, seed: UInt64, set: Int) -> [Float] {
        let choice = RandomStream(seed: seed, purpose: .mixtureComponent)
        let position = RandomStream(seed: seed, purpose: .mixturePosition)
        let noise = position.normal(Shape(count, dimensions), step: set, firstSample: 0)
        for n in 0..<count {
            var remaining = Double(choice.uniform(step: set, sample: n))
            let component =
                components.first { component in
                    remaining -= component.weight
                    return remaining < 0
                } ?? components[components.count - 1]
            for index in 0..<dimensions {
                let place = n * dimensions + index
                noise.buffer[place] = Float(
                    component.mean[index] + component.variance.squareRoot() * Double(noise.buffer[place]))
            }
        }
        return noise.elements
    }
}
