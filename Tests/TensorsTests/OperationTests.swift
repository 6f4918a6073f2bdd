import Glibc
import Tensors
import Testing

/// Every operation on elements, features and pixels: its gradients by all of its inputs and weights.
@Suite struct OperationTests {
    @Test("Sum")
    func sum() throws {
        try expectGradients(inputs: [normal(Shape(2, 3), sample: 1), normal(Shape(2, 3), sample: 2)]) { x, _ in
            add(x[0], x[1])
        }
    }

    @Test("SiLU")
    func activation() throws {
        try expectGradients(inputs: [normal(Shape(3, 7), sample: 1)]) { x, _ in silu(x[0]) }
    }

    @Test("Waves of coordinates: their definition and their gradient")
    func waves() throws {
        let x = Variable(Tensor([0.5, -2], Shape(1, 2)))
        let expected: [Float] = [0.5, -2, cos(0.5), cos(-2), sin(0.5), sin(-2), cos(1.5), cos(-6), sin(1.5), sin(-6)]
        let values = withWaves(x, frequencies: [1, 3]).value.elements
        #expect(values.count == expected.count)
        // Half of the angle's last digit (6 radians: 5e-7) and the function's own 3e-7.
        for (value, expected) in zip(values, expected) { #expect(abs(value - expected) < 1e-6) }
        try expectGradients(inputs: [normal(Shape(3, 2), sample: 1)]) { x, _ in withWaves(x[0], frequencies: [1, 3]) }
    }

    @Test("Linear layer, with and without bias")
    func linearLayer() throws {
        let (x, weight) = (normal(Shape(3, 5), sample: 1), normal(Shape(7, 5), sample: 2))
        try expectGradients(inputs: [x], weights: [weight, normal(Shape(7), sample: 3)]) { x, w in
            linear(x[0], weight: w[0], bias: w[1])
        }
        try expectGradients(inputs: [x], weights: [weight]) { x, w in linear(x[0], weight: w[0], bias: nil) }
    }

    @Test("Concatenation of channels")
    func concatenation() throws {
        try expectGradients(
            inputs: [normal(Shape(2, 2, 1, 3), sample: 1), normal(Shape(2, 2, 1, 5), sample: 2)]
        ) { x, _ in concatenate(x[0], x[1]) }
    }

    @Test("Upsampling and downsampling")
    func resampling() throws {
        let x = normal(Shape(2, 4, 2, 3), sample: 1)
        for change in [ResolutionChange.up(.box), .down(.box), .up(.binomial), .down(.binomial)] {
            try expectGradients(inputs: [x]) { x, _ in resample(x[0], change) }
        }
    }

    @Test("Downsampling of an image computed with a margin", arguments: [ResamplingFilter.box, .binomial])
    func downsamplingWithMargin(filter: ResamplingFilter) throws {
        let margin = 2 * filter.reach
        try expectGradients(inputs: [normal(Shape(2, 4 + margin, 2 + margin, 3), sample: 1)]) { x, _ in
            downsampleWithMargin(x[0], filter)
        }
    }

    @Test("A factor, and a shift of every pixel")
    func factorAndShift() throws {
        let (x, shift) = (normal(Shape(2, 3, 2, 5), sample: 1), normal(Shape(2, 5), sample: 2))
        try expectGradients(inputs: [x]) { x, _ in scale(x[0], by: -0.75) }
        try expectGradients(inputs: [x, shift]) { x, _ in addToPixels(x[0], x[1]) }
        // The input is overwritten where nothing else holds it, and only there.
        let kept = x.elements
        _ = scale(Variable(x), by: 2)
        _ = addToPixels(Variable(x), Variable(shift))
        #expect(x.elements == kept)
    }

    @Test("Reshape")
    func shapes() throws {
        try expectGradients(inputs: [normal(Shape(2, 3, 2), sample: 1)]) { x, _ in
            silu(reshape(x[0], Shape(4, 3)))
        }
    }

    @Test("Factors per sample, and the blend of two tensors")
    func factors() throws {
        let (x, z) = (normal(Shape(3, 2, 2), sample: 1), normal(Shape(3, 2, 2), sample: 2))
        try expectGradients(inputs: [x]) { x, _ in scale(x[0], bySample: [2, 0, -1]) }
        try expectGradients(inputs: [x, z]) { x, _ in blend(x[0], [2, 0, -1], x[1], [0.5, 3, 1]) }
        try expectGradients(inputs: [x]) { x, _ in blend(Variable(z), [2, 0, -1], x[0], [0.5, 3, 1]) }
    }

    @Test("The values are those of the definition")
    func values() {
        let x = Variable(Tensor([1, 2, 3, 4], Shape(1, 2, 2, 1)))
        #expect(resample(x, .up(.box)).value.elements == [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4])
        #expect(resample(x, .down(.box)).value.elements == [2.5])
        #expect(scale(x, by: 0.5).value.elements == [0.5, 1, 1.5, 2])
        #expect(addToPixels(x, Variable(Tensor([10], Shape(1, 1)))).value.elements == [11, 12, 13, 14])
        #expect(concatenate(x, x).value.elements == [1, 1, 2, 2, 3, 3, 4, 4])
        #expect(
            linear(
                Variable(Tensor([1, 2], Shape(1, 2))), weight: Variable(Tensor([3, 4, 5, 6], Shape(2, 2))),
                bias: Variable(Tensor([0, 1], Shape(2)))
            ).value.elements == [11, 18])
        #expect(blend(x, [2], x, [-1]).value.elements == [1, 2, 3, 4])
    }

    @Test("Shapes that do not fit trap")
    func misfits() async {
        await #expect(processExitsWith: .failure) {
            _ = add(Variable(Tensor(repeating: 0, Shape(2, 3))), Variable(Tensor(repeating: 0, Shape(3, 2))))
        }
        await #expect(processExitsWith: .failure) {
            _ = resample(Variable(Tensor(repeating: 0, Shape(1, 3, 2, 1))), .down(.box))
        }
    }
}
