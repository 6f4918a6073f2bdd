import Kernels
import Testing

/// The sizes of a normalisation, and what follows it.
struct NormalizationCase: Sendable, CustomTestStringConvertible {
    var samples = 3
    let pixels: Int, channels: Int, groups: Int
    let isModulated: Bool, activates: Bool
    let epsilon: Float = 1e-5

    var testDescription: String {
        "\(pixels) pixels, \(channels) channels in \(groups) groups"
            + (isModulated ? ", modulated" : "") + (activates ? ", SiLU" : "")
    }

    static var all: [NormalizationCase] {
        let sizes = [(5, 1, 1), (4, 3, 1), (1, 7, 1), (4, 16, 4), (6, 17, 1), (9, 64, 16), (2, 65, 13), (1, 65, 5)]
        return sizes.flatMap { pixels, channels, groups in
            [(false, false), (false, true), (true, true), (true, false)].map { isModulated, activates in
                NormalizationCase(
                    pixels: pixels, channels: channels, groups: groups, isModulated: isModulated, activates: activates)
            }
        }
    }
}

/// Random arguments of a normalisation.
struct NormalizationData {
    let x: [Float], gamma: [Float], beta: [Float], modulation: [Float], gradient: [Float]

    /// The given arguments, without modulation.
    init(x: [Float], gamma: [Float], beta: [Float], gradient: [Float]) {
        (self.x, self.gamma, self.beta, modulation, self.gradient) = (x, gamma, beta, [], gradient)
    }

    init(_ s: NormalizationCase) {
        x = numbers(s.samples * s.pixels * s.channels, seed: 1).map { $0 * 2 + 0.5 }
        gamma = numbers(s.channels, seed: 2)
        beta = numbers(s.channels, seed: 3)
        modulation = numbers(s.samples * 2 * s.channels, seed: 4)
        gradient = numbers(x.count, seed: 5)
    }
}

/// What the kernel makes of them; the gradients of gamma and beta are added to ones.
struct NormalizationResults: Equatable {
    private(set) var output: [Float]
    private(set) var gradient: [Float]
    private(set) var gammaGradient: [Float]
    private(set) var betaGradient: [Float]
    private(set) var modulationGradient: [Float]

    /// The output as the backward pass restores it.
    private(set) var restoredOutput: [Float]

    /// `addend` is added to the gradient of x.
    init(
        _ s: NormalizationCase, _ data: NormalizationData, as type: ElementType = .float32,
        adding addend: [Float]? = nil
    ) {
        (gammaGradient, betaGradient) = (data.gamma.map { _ in 1 }, data.beta.map { _ in 1 })
        modulationGradient = data.modulation.map { _ in .nan }
        let (x, dy) = (Activations(data.x, as: type), Activations(data.gradient, as: type))
        let y = Activations(unwritten: data.x.count, as: type)
        let dx = Activations(unwritten: data.x.count, as: type)
        let addend = addend.map { Activations($0, as: type) }
        var (mean, rstd) = (
            [Float](repeating: .nan, count: s.samples * s.groups), [Float](repeating: .nan, count: s.samples * s.groups)
        )
        let kernel = GroupNormalization(
            samples: s.samples, pixels: s.pixels, channels: s.channels, groups: s.groups, epsilon: s.epsilon,
            activates: s.activates)
        var gradients = (gammaGradient, betaGradient, modulationGradient)
        data.gamma.withUnsafeBufferPointer { gamma in
            data.beta.withUnsafeBufferPointer { beta in
                data.modulation.withUnsafeBufferPointer { modulation in
                    guard let gamma = gamma.baseAddress, let beta = beta.baseAddress else { return }
                    let affine = GroupNormalization.Affine(gamma: gamma, beta: beta)
                    let modulation = s.isModulated ? modulation.baseAddress : nil
                    withUnsafeMutablePointers(&mean, &rstd) { mean, rstd in
                        let statistics = GroupNormalization.Statistics(mean: mean, rstd: rstd)
                        kernel.forward(
                            x.pointer, affine, modulation: modulation, into: y.pointer, statistics: statistics)
                        Self.withParameters(&gradients) { parameters in
                            kernel.backward(
                                x.pointer, affine, modulation: modulation, statistics: statistics,
                                gradient: dy.pointer, adding: addend?.pointer, into: dx.pointer,
                                restoring: dy.pointer, parameters)
                        }
                    }
                }
            }
        }
        (gammaGradient, betaGradient, modulationGradient) = gradients
        (output, gradient, restoredOutput) = (y.values, dx.values, dy.values)
    }

    private static func withParameters(
        _ gradients: inout ([Float], [Float], [Float]), _ body: (GroupNormalization.ParameterGradients) -> Void
    ) {
        gradients.0.withUnsafeMutableBufferPointer { gamma in
            gradients.1.withUnsafeMutableBufferPointer { beta in
                gradients.2.withUnsafeMutableBufferPointer { modulation in
                    body(
                        .init(
                            gamma: gamma.baseAddress, beta: beta.baseAddress,
                            modulation: modulation.isEmpty ? nil : modulation.baseAddress))
                }
            }
        }
    }
}

private func withUnsafeMutablePointers(
    _ a: inout [Float], _ b: inout [Float],
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
) {
    a.withUnsafeMutableBufferPointer { a in
        b.withUnsafeMutableBufferPointer { b in
            guard let a = a.baseAddress, let b = b.baseAddress else { return }
            body(a, b)
        }
    }
}
