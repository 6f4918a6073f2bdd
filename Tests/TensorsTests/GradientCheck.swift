import Tensors
import Testing

/// Reproducible standard normal numbers; tests take another `sample` for each tensor.
func normal(_ shape: Shape, sample: Int) -> Tensor {
    let tensor = Tensor(uninitialized: shape)
    RandomStream(seed: 1, purpose: .teacherNoise).normal(into: tensor.buffer, step: 0, sample: sample)
    return tensor
}

/// The sum of the products of two tensors' elements, in double precision.
func dot(_ a: Tensor, _ b: Tensor) -> Double {
    zip(a.buffer, b.buffer).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// Expects the gradients of `compute` by every element of its inputs and of its weights to equal central differences.
///
/// The loss is the product of the result with random numbers. The difference is that of five points,
/// (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h with h = 1/32: its error is h⁴/30 of the fifth derivative, 3e-8, and the
/// rounding of f, 6e-8 of values up to 10, over h: 2e-5. Hence the tolerance of 2e-4 of the largest element.
func expectGradients(
    inputs: [Tensor], weights: [Tensor] = [], sourceLocation: SourceLocation = #_sourceLocation,
    _ compute: (_ inputs: [Variable], _ weights: [Variable]) -> Variable
) throws {
    let tape = Tape()
    let weightGradients = weights.map { Tensor(repeating: 1, $0.shape) }
    let variables = inputs.map(tape.input)
    let result = compute(variables, zip(weights, weightGradients).map { tape.weight($0, gradient: $1) })
    let projection = normal(result.shape, sample: 1000)
    tape.backward([(result, projection)])
    var gradients = try variables.map { try #require($0.slot?.gradient, sourceLocation: sourceLocation) }
    for gradient in weightGradients {
        for index in gradient.buffer.indices { gradient.buffer[index] -= 1 }  // it was added to ones
        gradients.append(gradient)
    }

    func loss() -> Double { dot(compute(inputs.map { Variable($0) }, weights.map { Variable($0) }).value, projection) }
    for (place, (tensor, gradient)) in zip(inputs + weights, gradients).enumerated() {
        try #require(gradient.shape == tensor.shape, sourceLocation: sourceLocation)
        let expected = tensor.buffer.indices.map { centralDifference(tensor, $0, loss) }
        let scale = expected.reduce(1) { max($0, abs($1)) }
        let error = zip(gradient.buffer, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
        #expect(error < 2e-4 * scale, "argument \(place) of shape \(tensor.shape)", sourceLocation: sourceLocation)
    }
}

private func centralDifference(_ tensor: Tensor, _ index: Int, _ loss: () -> Double) -> Double {
    let h: Float = 0x1p-5
    let value = tensor.buffer[index]
    defer { tensor.buffer[index] = value }
    func at(_ offset: Float) -> Double {
        tensor.buffer[index] = value + offset
        return loss()
    }
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / Double(12 * h)
}
