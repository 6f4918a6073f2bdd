import Diffusion
import Tensors
import Testing

@Suite struct DenoisingLossTests {
    @Test("The loss is the mean over all elements, weighted by sample, with its derivative")
    func definition() {
        let denoised = Tensor([1, 2, 3, 4], Shape(2, 1, 1, 2))
        let clean = Tensor([0, 0, 1, 5], Shape(2, 1, 1, 2))
        let result = weightedSquaredError(denoised, clean, weights: [2, 10])
        // (2 (1 + 4) + 10 (4 + 1)) / 4, and 2 w (denoised - clean) / 4.
        #expect(result.loss == 15)
        #expect(result.gradient.elements == [1, 2, 10, -5])
    }

    @Test("The teacher's weight is EDM's", arguments: [0.002, 0.5, 80] as [Float])
    func weights(sigma: Float) {
        let exact = (Double(sigma) * Double(sigma) + 0.25) / (Double(sigma) * Double(sigma) * 0.25)
        let weight = Double(Preconditioning(sigmaData: 0.5).lossWeight(sigma))
        #expect(abs(weight / exact - 1) < 1e-6)
    }
}
