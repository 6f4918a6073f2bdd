import Kernels

/// What a tensor's gradient is gathered in while the tape runs backwards.
package final class GradientSlot {
    /// The tape that records what is done with the tensor.
    package let tape: Tape
    private var sum: Tensor?
    /// True for a weight, whose gradient lives in a buffer of the caller's and is added to.
    private let isExternal: Bool

    init(_ tape: Tape, external: Tensor? = nil) {
        self.tape = tape
        sum = external
        isExternal = external != nil
    }

    /// The gradient gathered so far.
    package var gradient: Tensor? { sum }

    /// Adds a tensor that the caller gives up; the first one is kept as it is, without a copy.
    package func add(_ gradient: Tensor) {
        if isExternal {
            // In place whoever else holds the buffer: the caller reads the sum there.
            Elementwise.add(accumulator, gradient.pointer, into: accumulator, count: gradient.count)
        } else if sum == nil {
            sum = gradient
        } else {
            sum?.accumulate(gradient)
        }
    }

    /// The caller's buffer of a weight's gradient, for kernels that add to it themselves.
    ///
    /// Traps: if the slot is not a weight's.
    var accumulator: UnsafeMutablePointer<Float> {
        guard isExternal, let sum else { preconditionFailure("GradientSlot.accumulator: not the gradient of a weight") }
        return sum.pointer
    }

    /// Takes the gradient gathered so far out, for an operation that adds its own to it on the way; nil where none arrived.
    func take() -> Tensor? {
        defer { if !isExternal { sum = nil } }
        return sum
    }
}

/// A tensor in a computation, and where its gradient goes; without a slot it is a constant.
package struct Variable {
    package let value: Tensor
    package let slot: GradientSlot?

    /// A constant, or a result recorded under `slot`.
    package init(_ value: Tensor, slot: GradientSlot? = nil) {
        (self.value, self.slot) = (value, slot)
    }

    package var shape: Shape { value.shape }
    /// The same value, through which no gradient flows.
    package var detached: Variable { Variable(value) }
}

/// The recorded steps of one computation, run backwards once.
///
/// An operation with no tracked input records nothing. A step holds what its backward pass needs and lets go of it as
/// soon as it has run. Threading: one thread.
package final class Tape {
    private var steps: [() -> Void] = []

    package init() {}

    /// An input whose gradient is wanted.
    package func input(_ value: Tensor) -> Variable { Variable(value, slot: GradientSlot(self)) }

    /// A weight whose gradient is added to `gradient`.
    package func weight(_ value: Tensor, gradient: Tensor) -> Variable {
        Variable(value, slot: GradientSlot(self, external: gradient))
    }

    /// Records a result of tracked inputs.
    ///
    /// `backward` receives the result's gradient and adds to the inputs' slots.
    func record(_ value: Tensor, _ backward: @escaping (Tensor) -> Void) -> Variable {
        let slot = GradientSlot(self)
        // A result that nothing used has no gradient, and nothing flows on from it.
        steps.append {
            if let gradient = slot.take() { backward(gradient) }
        }
        return Variable(value, slot: slot)
    }

    /// Runs the steps backwards from `seeds`: results and the derivative of the loss by each of them.
    ///
    /// Traps: if a seed is a constant or has another shape than its result.
    package func backward(_ seeds: [(Variable, Tensor)]) {
        for (variable, gradient) in seeds {
            guard let slot = variable.slot else { preconditionFailure("Tape.backward: the seed is a constant") }
            precondition(
                variable.shape == gradient.shape, "Tape.backward: gradient \(gradient.shape) of \(variable.shape)")
            slot.add(gradient)
        }
        while let step = steps.popLast() { step() }
    }
}

/// Records `value` if any input is tracked; else it is a constant.
func result(
    of inputs: [Variable], _ value: Tensor, _ backward: @escaping (Tensor) -> Void
) -> Variable {
    result(ofSlots: inputs.map(\.slot), value, backward)
}

/// The same, given the slots of the inputs, nil for a constant.
func result(
    ofSlots slots: [GradientSlot?], _ value: Tensor, _ backward: @escaping (Tensor) -> Void
) -> Variable {
    guard let tape = slots.lazy.compactMap({ $0?.tape }).first else { return Variable(value) }
    return tape.record(value, backward)
}
