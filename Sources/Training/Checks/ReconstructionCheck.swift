import Datasets
import Diffusion
import Evaluation
import Layers
import Tensors

/// Whether a teacher denoises better than one can without a network, level by level.
///
/// Two denoisers need only the data's first moments: the mean image m_p whatever the input, with error v_p, the mean over
/// pixels of their variance; and the noisy image drawn in towards the mean m of all values, m + g (x - m) with Wiener's
/// gain g = v / (v + s²), with error v s² / (v + s²). The first is good under much noise, the second under little; a network
/// that has learnt anything is better than both in between, and nowhere worse. All three see the same noise, so most of the
/// chance cancels in the difference; what is left is estimated from its spread over images.
package struct ReconstructionCheck {
    /// What was found at a noise level.
    struct Level {
        let sigma: Float
        /// The teacher's mean squared error by that of the better denoiser without a network; below 1 is better.
        let ratio: Double
        /// The difference of both errors in standard errors; below 0 is better.
        let deviations: Double
        /// The denoiser it was compared with.
        let rival: String
    }

    /// Differences of fewer standard errors than these are chance.
    static let chance = 3.0

    private let denoiser: Denoiser
    private let weights: NetworkWeights
    private let images: TrainingImages
    private let seed: UInt64
    /// Images that are tried, and how many go through the network at a time.
    private let count: Int, batch: Int

    private let spread: PixelSpread
    /// The mean image.
    private let mean: [Double]

    /// Tries the teacher on the first images of the run's order; as many as make a few thousand numbers.
    package init(_ teacher: Teacher, _ images: TrainingImages, seed: UInt64, batch: Int) {
        (denoiser, weights) = (teacher.denoiser, teacher.weights)
        (self.images, self.seed, self.batch) = (images, seed, batch)
        let size = images.records.elementCount
        count = min(max(128, 4096 / size), images.count)
        spread = PixelSpread(images.records.pixels)
        var mean = [Double](repeating: 0, count: size)
        for (index, pixel) in images.records.pixels.enumerated() {
            mean[index % size] += Double(pixel) / Double(images.records.count)
        }
        self.mean = mean
    }

    /// The verdict over these noise levels; `whose` says which teacher it is, and a teacher that is still in training is
    /// only warned of.
    package func finding(sigmas: [Float], whose: String, isComplete: Bool) -> Finding {
        let name = "teacher"
        let levels = sigmas.enumerated().map { level(at: $1, number: $0) }
        let ratios = levels.map { "\(figure(Double($0.sigma))): \(figure($0.ratio))" }.joined(separator: ", ")
        let measured = "\(whose), error by the better one's of mean image and shrunk noisy image at sigma \(ratios)"
        func bad(_ fault: String) -> Finding {
            Finding(
                isComplete ? .failed : .warning, name, "\(measured) (bound 1): \(fault)",
                advice: isComplete
                    ? "train it longer, use the data.* it was trained with, or match levels that it knows"
                    : "its training is not over; check again when it is")
        }
        if let broken = levels.first(where: { !$0.ratio.isFinite }) {
            return bad("not a number at sigma \(figure(Double(broken.sigma)))")
        }
        if let worst = levels.filter({ $0.deviations > Self.chance }).max(by: { $0.ratio < $1.ratio }) {
            return bad("at sigma \(figure(Double(worst.sigma))) \(worst.rival) is better")
        }
        if !levels.contains(where: { $0.deviations < -Self.chance }) {
            return bad("nowhere better, so it has learnt nothing")
        }
        return Finding(.ok, name, "\(measured) (bound 1)")
    }

    private func figure(_ value: Double) -> String { NumberText.figure(value) }

    private func level(at sigma: Float, number: Int) -> Level {
        var teacher: [Double] = [], shrunk: [Double] = [], average: [Double] = []
        let gain = spread.variance / (spread.variance + Double(sigma) * Double(sigma))
        let stream = RandomStream(seed: seed, purpose: .checkNoise)
        for first in stride(from: 0, to: count, by: batch) {
            let (clean, labels) = images.batch(first: first, count: min(batch, count - first))
            let levels = [Float](repeating: sigma, count: labels.count)
            let noisy = noised(
                Variable(clean), sigma: levels, noise: stream.normal(clean.shape, step: number, firstSample: first))
            let denoised = denoiser(noisy, sigma: levels, labels: labels, .frozen(weights)).value
            teacher += errors(clean) { Double(denoised.pointer[$0]) }
            shrunk += errors(clean) { spread.mean + gain * (Double(noisy.value.pointer[$0]) - spread.mean) }
            average += errors(clean) { mean[$0 % mean.count] }
        }
        let isShrunk = shrunk.reduce(0, +) < average.reduce(0, +)
        let rival = isShrunk ? shrunk : average
        let differences = zip(teacher, rival).map { $0 - $1 }
        let difference = differences.reduce(0, +) / Double(count)
        let variance =
            differences.reduce(0) { $0 + ($1 - difference) * ($1 - difference) } / Double(max(count - 1, 1))
        let standardError = (variance / Double(count)).squareRoot()
        return Level(
            sigma: sigma, ratio: teacher.reduce(0, +) / rival.reduce(0, +),
            // Without any spread the sign is the verdict.
            deviations: difference == 0 ? 0 : difference / max(standardError, abs(difference) * 1e-9),
            rival: isShrunk ? "the shrunk noisy image" : "the mean image")
    }

    /// The mean squared error of each image.
    private func errors(_ clean: Tensor, _ estimate: (Int) -> Double) -> [Double] {
        let size = clean.shape.countPerSample
        return (0..<clean.shape[0]).map { n in
            (n * size..<(n + 1) * size).reduce(0.0) { sum, index in
                let difference = estimate(index) - Double(clean.pointer[index])
                return sum + difference * difference
            } / Double(size)
        }
    }
}
