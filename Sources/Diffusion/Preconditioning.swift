import Glibc

/// What a network's output is.
package enum Prediction: String, Sendable, CaseIterable {
    /// The clean image, mixed with the noisy one so that input, output and target have unit variance at every noise level
    /// (Karras et al. 2022, equation 7 and table 1).
    case edm
    /// The noise eps, given √ā x0 + √(1 - ā) eps (Ho et al. 2020).
    case epsilon
    /// v = √ā eps - √(1 - ā) x0, given the same (Salimans and Ho 2022).
    case v
    /// The velocity eps - x0, given (1 - t) x0 + t eps (Lipman et al. 2023).
    case flow
}

/// How a network becomes a denoiser: D(x; s) = c_skip x + c_out F(c_in x; c_noise), for x = x0 + s eps.
///
/// Formula, with d = sigmaData and T the schedule's time:
///
/// | prediction | c_skip | c_out | c_in | c_noise |
/// |---|---|---|---|---|
/// | edm | d²/(s²+d²) | s d/√(s²+d²) | 1/√(s²+d²) | ln(s)/4 |
/// | epsilon | 1 | -s | 1/√(1+s²) | T(s) |
/// | v | 1/(1+s²) | -s/√(1+s²) | 1/√(1+s²) | T(s) |
/// | flow | 1/(1+s) | -s/(1+s) | 1/(1+s) | T(s) |
///
/// c_in is the process's alpha: √ā = 1/√(1+s²) where the variance is preserved, 1 - t = 1/(1+s) on the linear path. The
/// rest follows from solving the prediction for x0.
package struct Preconditioning: Sendable, Equatable {
    package let prediction: Prediction
    package let schedule: NoiseSchedule
    /// Standard deviation of the images, in units of pixel value in -1...1; read by `edm` only.
    package let sigmaData: Float

    package init(prediction: Prediction = .edm, schedule: NoiseSchedule = .karras, sigmaData: Float) {
        (self.prediction, self.schedule, self.sigmaData) = (prediction, schedule, sigmaData)
    }

    private var dataVariance: Float { sigmaData * sigmaData }

    /// c_skip.
    package func skip(_ sigma: Float) -> Float {
        switch prediction {
        case .edm: dataVariance / (sigma * sigma + dataVariance)
        case .epsilon: 1
        case .v: 1 / (1 + sigma * sigma)
        case .flow: 1 / (1 + sigma)
        }
    }

    /// c_out.
    package func output(_ sigma: Float) -> Float {
        switch prediction {
        case .edm: sigma * sigmaData / (sigma * sigma + dataVariance).squareRoot()
        case .epsilon: -sigma
        case .v: -sigma / (1 + sigma * sigma).squareRoot()
        case .flow: -sigma / (1 + sigma)
        }
    }

    /// c_in.
    package func input(_ sigma: Float) -> Float {
        switch prediction {
        case .edm: 1 / (sigma * sigma + dataVariance).squareRoot()
        case .epsilon, .v: 1 / (1 + sigma * sigma).squareRoot()
        case .flow: 1 / (1 + sigma)
        }
    }

    /// c_noise.
    package func conditioning(_ sigma: Float) -> Float {
        switch prediction {
        case .edm: log(sigma) / 4
        case .epsilon, .v, .flow: schedule.time(sigma)
        }
    }

    /// What unit noise is multiplied by where sampling starts from noise alone: s of `edm`; of the others 1/c_in, so that
    /// the network sees the unit noise itself, as in their published samplers.
    package func start(_ sigma: Float) -> Float {
        prediction == .edm ? sigma : 1 / input(sigma)
    }

    /// The weight of a squared error of the denoised image in training: 1/c_out², with which it is the plain squared error
    /// of the network's own output; of `edm` (s² + d²) / (s d)² (Karras et al. 2022, table 1).
    package func lossWeight(_ sigma: Float) -> Float {
        switch prediction {
        case .edm: return (sigma * sigma + dataVariance) / ((sigma * sigmaData) * (sigma * sigmaData))
        case .epsilon, .v, .flow:
            let output = output(sigma)
            return 1 / (output * output)
        }
    }
}
