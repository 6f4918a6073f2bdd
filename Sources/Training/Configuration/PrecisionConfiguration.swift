package import Kernels

/// The type of the activations inside each role's network. Weights, gradients of weights, optimiser state, statistics and
/// losses are float32 in any case.
package struct PrecisionConfiguration: Sendable, Equatable {
    /// The teacher, while it is trained and while it is asked.
    package var teacher = ElementType.float32
    package var student = ElementType.float32
    /// The critic's U-Net; its head computes in float32.
    package var critic = ElementType.float32

    package init() {}

    /// One type for all roles.
    package init(all type: ElementType) { (teacher, student, critic) = (type, type, type) }

    /// True if some role computes in bfloat16.
    package var usesBFloat16: Bool { [teacher, student, critic].contains(.bfloat16) }
}
