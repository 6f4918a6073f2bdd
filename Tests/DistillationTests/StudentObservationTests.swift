import Distillation
import Tensors
import Testing

@Suite struct StudentObservationTests {
    /// Two images of four values.
    private func images(_ values: [Float]) -> Tensor {
        let tensor = Tensor(uninitialized: Shape(2, 2, 2, 1))
        for (index, value) in values.enumerated() { tensor.pointer[index] = value }
        return tensor
    }

    @Test("Brightness and contrast are those worked out by hand")
    func statistics() {
        // Brightness 0 and 0.5; contrast 1 and 0.5.
        let found = ImageStatistics(images([1, -1, 1, -1, 1, 0, 1, 0]))
        #expect(found.brightness == 0.25)
        #expect(found.brightnessSquare == 0.125)
        #expect(found.contrast == 0.75)
    }

    @Test("The denoising error weighs each image's mean square")
    func error() {
        let found = denoisingError(
            images([1, 1, 1, 1, 2, 2, 2, 2]), images([0, 0, 0, 0, 2, 2, 2, 0]), weights: [3, 10])
        // Image 0: 3 * 1, image 1: 10 * 4 / 4.
        #expect(found == 6.5)
    }

    @Test("The gradient's norm at an image does not depend on the size of the batch")
    func norm() {
        // The gradient of a mean over two images: norms 5 and 10 of each image's own loss.
        #expect(gradientNorm(images([1.5, 2, 0, 0, 0, 3, 0, 4])) == 7.5)
    }
}
