package import Kernels
package import Tensors

/// A two-dimensional convolution with bias, zero-padded.
package struct ConvolutionLayer: Sendable {
    private let weight: Int
    private let bias: Int
    private let stride: Int
    private let padding: Int
    private let order: ChannelOrder

    /// Adds `name.weight` `[outputs, inputs, kernel, kernel]` and `name.bias` `[outputs]` to the layout.
    ///
    /// `order` says how the weight's output channels become the result's. They start uniform in ±sqrt(1/fan-in), or with `startsAtZero`, for a layer that must not contribute at first, at 0.
    package init(
        _ layout: inout ParameterLayout, _ name: String, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1,
        padding: Int, order: ChannelOrder = .unchanged, startsAtZero: Bool = false
    ) {
        let bound = (1 / Float(inputs * kernel * kernel)).squareRoot()
        let start: Initializer = startsAtZero ? .zeros : .uniform(bound: bound)
        weight = layout.add(name + ".weight", [outputs, inputs, kernel, kernel], start)
        bias = layout.add(name + ".bias", [outputs], start)
        (self.stride, self.padding, self.order) = (stride, padding, order)
    }

    /// Shapes: x `[N, H, W, inputs]`, addend and result `[N, OH, OW, outputs]`; types as in `Tensors.convolution`.
    package func callAsFunction(
        _ x: Variable, _ weights: BoundWeights, adding addend: consuming Variable? = nil, as type: ElementType? = nil
    ) -> Variable {
        convolution(x, arguments(weights), adding: addend, as: type)
    }

    /// The same after a normalisation, and a change of resolution where asked, as one operation.
    package func callAsFunction(
        _ x: Variable, after normalization: NormalizationArguments, resampling: ResolutionChange? = nil,
        _ weights: BoundWeights, adding addend: consuming Variable? = nil, as type: ElementType? = nil
    ) -> Variable {
        normalizedConvolution(
            x, normalization, resampling: resampling, arguments(weights), adding: addend, as: type)
    }

    private func arguments(_ weights: BoundWeights) -> ConvolutionArguments {
        let (packed, version) = weights.convolutionForms(of: weight)
        return ConvolutionArguments(
            weight: weights[weight], bias: weights[bias], stride: stride, padding: padding, order: order,
            packed: packed, version: version)
    }
}

/// y = x Wᵀ + b.
package struct LinearLayer: Sendable {
    private let weight: Int
    private let bias: Int?

    /// Adds `name.weight` `[outputs, inputs]` and, unless told otherwise, `name.bias` `[outputs]` to the layout.
    package init(
        _ layout: inout ParameterLayout, _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true,
        initializer: Initializer? = nil
    ) {
        let start = initializer ?? .uniform(bound: (1 / Float(inputs)).squareRoot())
        weight = layout.add(name + ".weight", [outputs, inputs], start)
        bias = hasBias ? layout.add(name + ".bias", [outputs], start) : nil
    }

    /// Shapes: x `[N, inputs]`, result `[N, outputs]`.
    package func callAsFunction(_ x: Variable, _ weights: BoundWeights) -> Variable {
        linear(x, weight: weights[weight], bias: bias.map { weights[$0] })
    }
}

/// Group normalisation, with optional modulation and SiLU in the same pass.
package struct NormalizationLayer: Sendable {
    private let weight: Int
    private let bias: Int
    private let groups: Int
    private let epsilon: Float

    /// The field's choice of groups for these networks: at least four channels in each, at most 32.
    package static func groupCount(channels: Int) -> Int { min(32, channels / 4) }

    /// Adds `name.weight` (ones) and `name.bias` (zeros), `[channels]` each, to the layout.
    package init(
        _ layout: inout ParameterLayout, _ name: String, channels: Int, groups: Int? = nil, epsilon: Float = 1e-5
    ) {
        weight = layout.add(name + ".weight", [channels], .ones)
        bias = layout.add(name + ".bias", [channels], .zeros)
        self.groups = groups ?? Self.groupCount(channels: channels)
        self.epsilon = epsilon
    }

    /// Shapes: x and result `[N, H, W, channels]`.
    package func callAsFunction(_ x: Variable, _ weights: BoundWeights, activates: Bool) -> Variable {
        groupNormalization(x, arguments(weights, activates: activates))
    }

    /// The weights and what follows, for an operation that includes the normalisation. Shape: modulation `[N, 2 channels]`.
    package func arguments(
        _ weights: BoundWeights, modulation: Variable? = nil, activates: Bool
    ) -> NormalizationArguments {
        NormalizationArguments(
            gamma: weights[weight], beta: weights[bias], modulation: modulation, groups: groups, epsilon: epsilon,
            activates: activates)
    }
}
