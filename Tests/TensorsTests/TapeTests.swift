import Tensors
import Testing

@Suite struct TapeTests {
    @Test("A tensor used several times gets the sum of its gradients")
    func fanOut() throws {
        try expectGradients(inputs: [normal(Shape(2, 5), sample: 1)]) { x, _ in
            let h = silu(x[0])
            return add(add(h, x[0]), add(h, h))
        }
    }

    @Test("Residual sums share a gradient without one changing the other")
    func residualAliasing() throws {
        let tape = Tape()
        let (a, b) = (tape.input(normal(Shape(4), sample: 1)), tape.input(normal(Shape(4), sample: 2)))
        let seed = normal(Shape(4), sample: 3)
        let before = seed.elements
        // The sum hands one tensor to both of its inputs; a then gathers a second one.
        tape.backward([(add(add(a, b), a), seed)])
        #expect(try #require(a.slot?.gradient).elements == before.map { 2 * $0 })
        #expect(try #require(b.slot?.gradient).elements == before)
        #expect(seed.elements == before, "the caller's seed is not written to")
    }

    @Test("Several seeds add up")
    func seeds() throws {
        let tape = Tape()
        let x = tape.input(Tensor([1, 2], Shape(2, 1)))
        let (doubled, tripled) = (scale(x, bySample: [2, 2]), scale(x, bySample: [3, 3]))
        tape.backward([(doubled, Tensor([1, 10], Shape(2, 1))), (tripled, Tensor([1, 1], Shape(2, 1)))])
        #expect(try #require(x.slot?.gradient).elements == [5, 23])
    }

    @Test("What leads to no seed gets no gradient")
    func unusedResult() {
        let tape = Tape()
        let (x, y) = (tape.input(normal(Shape(2), sample: 1)), tape.input(normal(Shape(2), sample: 2)))
        let used = silu(x)
        _ = silu(y)
        tape.backward([(used, Tensor(repeating: 1, Shape(2)))])
        #expect(x.slot?.gradient != nil && y.slot?.gradient == nil)
    }

    @Test("A weight used twice adds both gradients to the caller's buffer")
    func sharedWeight() {
        let tape = Tape()
        let gradient = Tensor(repeating: 100, Shape(1, 1))
        let weight = tape.weight(Tensor([3], Shape(1, 1)), gradient: gradient)
        let x = Variable(Tensor([2], Shape(1, 1)))
        // y = w² x: dy/dw = 2 w x = 12.
        let y = linear(linear(x, weight: weight, bias: nil), weight: weight, bias: nil)
        tape.backward([(y, Tensor([1], Shape(1, 1)))])
        #expect(gradient.elements == [112])
    }

    @Test("Constants record nothing, and a detached result is one")
    func constants() {
        let x = Variable(normal(Shape(2, 2), sample: 1))
        #expect(silu(add(x, x)).slot == nil)
        let tracked = Tape().input(x.value)
        #expect(silu(tracked).slot != nil)
        #expect(silu(silu(tracked).detached).slot == nil)
    }

    @Test("What the backward pass needs is kept until it has run, and then let go")
    func backwardFrees() {
        let tape = Tape()
        weak var kept: Storage?
        var y = tape.input(normal(Shape(2, 2), sample: 1))
        do {
            let h = silu(y)
            kept = h.value.storage
            y = silu(h)
        }
        #expect(kept != nil)
        tape.backward([(y, Tensor(repeating: 1, y.shape))])
        #expect(kept == nil)
    }

    @Test("A seed that is a constant, or of another shape, traps")
    func badSeeds() async {
        await #expect(processExitsWith: .failure) {
            let x = Tensor(repeating: 0, Shape(2))
            Tape().backward([(Variable(x), x)])
        }
        await #expect(processExitsWith: .failure) {
            let tape = Tape()
            tape.backward([(tape.input(Tensor(repeating: 0, Shape(2))), Tensor(repeating: 0, Shape(3)))])
        }
    }
}
