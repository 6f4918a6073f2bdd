import Kernels
import Layers
import Tensors

/// x plus self-attention over its pixels: norm2, qkv, attention, proj. The output channels of qkv are ordered (head,
/// channel, q/k/v).
struct AttentionBlock: Sendable {
    private let norm: NormalizationLayer
    private let qkv: ConvolutionLayer
    private let projection: ConvolutionLayer
    private let heads: Int

    /// Adds `name.norm2`, `name.qkv` and `name.proj` to the layout.
    init(
        _ layout: inout ParameterLayout, _ name: String, channels: Int, heads: Int, epsilon: Float = 1e-5
    ) {
        norm = NormalizationLayer(&layout, name + ".norm2", channels: channels, epsilon: epsilon)
        qkv = ConvolutionLayer(
            &layout, name + ".qkv", inputs: channels, outputs: 3 * channels, kernel: 1, padding: 0,
            order: .separated(kinds: 3))
        projection = ConvolutionLayer(
            &layout, name + ".proj", inputs: channels, outputs: channels, kernel: 1, padding: 0, startsAtZero: true)
        self.heads = heads
    }

    /// Shapes: x and result `[N, H, W, channels]`. Overwrites x where nothing else holds it.
    func callAsFunction(_ x: consuming Variable, _ weights: BoundWeights) -> Variable {
        let qkv = qkv(x, after: norm.arguments(weights, activates: false), weights)
        return projection(selfAttention(qkv, heads: heads), weights, adding: x)
    }
}
