import Diffusion
import Glibc
import Layers
import Tensors
import Testing

@Suite struct GaussianMixtureTests {
    private let nothing = BoundWeights.frozen(NetworkWeights(ParameterLayout()))

    private static func gaussian(_ mean: [Double], variance: Double) -> GaussianMixture {
        GaussianMixture([.init(weight: 1, mean: mean, variance: variance)])
    }

    private func denoise(_ mixture: GaussianMixture, _ x: [Double], sigma: Double) -> [Double] {
        let denoiser = ClosedFormBackbone.denoiser(of: mixture, imageShape: (1, 1, x.count))
        let image = Variable(Tensor(x.map(Float.init), denoiser.shape(1)))
        return denoiser(image, sigma: [Float(sigma)], labels: [0], nothing).value.elements.map(Double.init)
    }

    static let levels = [0.002, 0.0170, 0.25, 1, 7.5, 80]

    @Test("A Gaussian's denoiser is (v x + s² m) / (v + s²), in one dimension and in two", arguments: levels)
    func gaussian(sigma: Double) {
        let (means, variance) = ([[0.3], [-0.6, 0.45]], 0.04)
        for mean in means {
            for offset in [-2.0, -0.5, 0, 1, 2.5] {
                // A point at so many of the noisy distribution's deviations.
                let x = mean.map { $0 + offset * (variance + sigma * sigma).squareRoot() }
                let found = denoise(Self.gaussian(mean, variance: variance), x, sigma: sigma)
                for (index, value) in found.enumerated() {
                    let expected = (variance * x[index] + sigma * sigma * mean[index]) / (variance + sigma * sigma)
                    // The bound asked for; a few roundings of 6e-8 on both sides of the preconditioning are far below it.
                    #expect(abs(value - expected) < 1e-5, "sigma \(sigma), x \(x)")
                }
            }
        }
    }

    @Test("Two equal modes at ±m give (v x + s² m tanh(m x / (v + s²))) / (v + s²)", arguments: levels)
    func twoModes(sigma: Double) {
        let (mean, variance) = (0.8, 0.01)
        let mixture = GaussianMixture([
            .init(weight: 0.5, mean: [mean], variance: variance), .init(weight: 0.5, mean: [-mean], variance: variance),
        ])
        let spread = variance + sigma * sigma
        for x in [-1.1, -0.3, 0.02, 0.4, 0.9].map({ $0 * (1 + sigma) }) {
            let expected = (variance * x + sigma * sigma * mean * tanh(mean * x / spread)) / spread
            #expect(abs(denoise(mixture, [x], sigma: sigma)[0] - expected) < 1e-5, "sigma \(sigma), x \(x)")
        }
    }

    @Test("The denoiser of eight modes is x + s² times the slope of the noisy log density", arguments: [0.05, 0.3, 2])
    func tweedie(sigma: Double) {
        let mixture = GaussianMixture.eightModes
        func logDensity(_ x: [Double]) -> Double {
            log(
                mixture.components.reduce(0) { sum, component in
                    let spread = component.variance + sigma * sigma
                    let squares = zip(x, component.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                    return sum + component.weight / spread * exp(-squares / (2 * spread))
                })
        }
        let x = [0.55, -0.2]
        let found = mixture.denoised(x, sigma: sigma)
        for index in 0..<2 {
            var (up, down) = (x, x)
            up[index] += 1e-5
            down[index] -= 1e-5
            let slope = (logDensity(up) - logDensity(down)) / 2e-5
            // The quotient has 1e-16 / 1e-5 of rounding and 1e-10 of the third derivative, 1 / s³ at most.
            #expect(abs(found[index] - (x[index] + sigma * sigma * slope)) < 1e-6)
        }
    }

    @Test("Far from all modes the nearest one counts, and nothing is NaN")
    func farAway() {
        let found = GaussianMixture.eightModes.denoised([1000, 0], sigma: 0.002)
        let expected = 0.05 * 0.05 * 1000 / (0.05 * 0.05 + 4e-6) + 4e-6 * 0.7 / (0.05 * 0.05 + 4e-6)
        #expect(abs(found[0] - expected) < 1e-6 && abs(found[1]) < 1e-9)
    }

    @Test("Drawn points have the weights, centres and variance of the mixture; another set has other points")
    func points() {
        let (mixture, count) = (GaussianMixture.eightModes, 20_000)
        let points = mixture.points(count, seed: 3, set: 0)
        #expect(points == mixture.points(count, seed: 3, set: 0))
        #expect(points.prefix(2) != mixture.points(1, seed: 3, set: 1)[...])
        for component in mixture.components {
            let own = (0..<count).filter { n in
                hypot(Double(points[2 * n]) - component.mean[0], Double(points[2 * n + 1]) - component.mean[1]) < 0.25
            }
            let share = Double(own.count) / Double(count)
            // Five standard errors of a share, of a mean and of a variance.
            let error = (component.weight * (1 - component.weight) / Double(count)).squareRoot()
            #expect(abs(share - component.weight) < 5 * error)
            for axis in 0..<2 {
                let values = own.map { Double(points[2 * $0 + axis]) - component.mean[axis] }
                let mean = values.reduce(0, +) / Double(values.count)
                let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
                #expect(abs(mean) < 5 * 0.05 / Double(values.count).squareRoot())
                #expect(abs(variance / component.variance - 1) < 5 * (2 / Double(values.count)).squareRoot())
            }
        }
    }

    @Test("The eight modes have a standard deviation of 0.5 over all in each dimension, as the networks expect")
    func overall() {
        for axis in 0..<2 {
            let components = GaussianMixture.eightModes.components
            let mean = components.reduce(0) { $0 + $1.weight * $1.mean[axis] }
            let square = components.reduce(0) { $0 + $1.weight * ($1.mean[axis] * $1.mean[axis] + $1.variance) }
            #expect(abs((square - mean * mean).squareRoot() - 0.5) < 0.05)
        }
    }
}
