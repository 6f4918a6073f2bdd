package import Layers
package import Tensors

/// A distilled student's sampler: one call of the network at each of its noise levels; in between, what the call before
/// made is noised anew, to the next level.
///
/// Formula (Yin et al. 2024, section 4.4): x_0 = s_0 z (``Denoiser/start(_:sigma:)``); y_k = D(x_k; s_k); x_k+1 = y_k + s_k+1 e_k+1; the image is the
/// last y. One level makes a one-step student.
///
/// The noise comes from the caller, by its number: 0 is z, and k ≥ 1 is e_k, of unit variance and the images' shape.
package struct StudentSampler: Sendable {
    private let denoiser: Denoiser
    /// The noise level of each call, in units of pixel value in -1...1.
    package let sigmas: [Float]

    /// `sigmas` are the levels the student was trained at.
    ///
    /// Traps: if there is none, or they do not descend strictly.
    package init(denoiser: Denoiser, sigmas: [Float]) {
        precondition(
            !sigmas.isEmpty && zip(sigmas, sigmas.dropFirst()).allSatisfy { $0 > $1 },
            "StudentSampler: the noise levels \(sigmas) do not descend")
        (self.denoiser, self.sigmas) = (denoiser, sigmas)
    }

    /// The network calls of one image.
    package var networkCalls: Int { sigmas.count }

    /// Images. Shapes: the noise and the result `[N, H, W, C]`, labels `[N]`.
    package func sample(_ student: NetworkWeights, labels: [Int], noise: (Int) -> Tensor) -> Tensor {
        let last = sigmas.count - 1
        let input = input(ofCall: last, student, labels: labels, noise: noise)
        return callAsFunction(input, call: last, labels: labels, .frozen(student)).value
    }

    /// The same in batches of a fixed size, for a process whose memory is laid out for that size already.
    ///
    /// The last batch overlaps the one before it where the size does not divide the number of images.
    package func sample(
        _ student: NetworkWeights, labels: [Int], inBatchesOf size: Int, noise: (Int) -> Tensor
    ) -> Tensor {
        precondition(size >= 1, "StudentSampler: batches of \(size)")
        let count = labels.count
        let noises = sigmas.indices.map(noise)
        let result = Tensor(uninitialized: noises[0].shape)
        for start in stride(from: 0, to: count, by: size) {
            let range = max(0, min(start, count - size))..<min(count, start + size)
            let images = sample(student, labels: Array(labels[range])) { noises[$0].samples(range) }
            _ = result.samples(range).buffer.update(fromContentsOf: images.buffer)
        }
        return result
    }

    /// What call `call` starts from: the calls before it, made without gradient; for call 0 pure noise.
    package func input(
        ofCall call: Int, _ student: NetworkWeights, labels: [Int], noise: (Int) -> Tensor
    ) -> Tensor {
        var x = denoiser.start(noise(0), sigma: level(0, labels.count)).value
        for previous in 0..<call {
            let images = callAsFunction(x, call: previous, labels: labels, .frozen(student))
            x = noised(images.value, toCall: previous + 1, noise: noise(previous + 1))
        }
        return x
    }

    /// One call on its input, as part of a computation: the images it makes of `x`, which has the call's noise level.
    package func callAsFunction(_ x: Tensor, call: Int, labels: [Int], _ student: BoundWeights) -> Variable {
        denoiser(Variable(x), sigma: level(call, labels.count), labels: labels, student)
    }

    /// Images noised to the level of a call.
    package func noised(_ images: Tensor, toCall call: Int, noise: Tensor) -> Tensor {
        Diffusion.noised(Variable(images), sigma: level(call, images.shape[0]), noise: noise).value
    }

    private func level(_ call: Int, _ count: Int) -> [Float] { [Float](repeating: sigmas[call], count: count) }
}
