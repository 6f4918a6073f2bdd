package import Tensors

/// Mean brightness and contrast of images. Brightness of an image is the mean of its pixels, contrast their standard
/// deviation.
package struct ImageStatistics: Sendable, Equatable {
    /// Means over the images: of brightness, of its square, of contrast.
    package let brightness: Float, brightnessSquare: Float, contrast: Float

    /// Statistics of images `[N, H, W, C]`.
    package init(_ images: Tensor) {
        let count = images.shape.countPerSample
        let samples = images.shape[0]
        var sums = (brightness: 0.0, square: 0.0, contrast: 0.0)
        for n in 0..<samples {
            var (sum, squares) = (Float(0), Float(0))
            for index in n * count..<(n + 1) * count {
                let pixel = images.pointer[index]
                sum += pixel
                squares += pixel * pixel
            }
            let mean = Double(sum) / Double(count)
            sums.brightness += mean
            sums.square += mean * mean
            sums.contrast += max(0, Double(squares) / Double(count) - mean * mean).squareRoot()
        }
        brightness = Float(sums.brightness / Double(samples))
        brightnessSquare = Float(sums.square / Double(samples))
        contrast = Float(sums.contrast / Double(samples))
    }
}

/// What a student update shows of the training's health, at no further call of a network. All are means over images.
package struct StudentObservation: Sendable {
    /// What distribution matching shows.
    package struct Matching: Sendable {
        /// Weighted squared error of critic and teacher on the student's noised images: `denoisingError`.
        package let criticError: Float, teacherError: Float
        /// `gradientNorm` of the loss, with its weight.
        package let gradient: Float
    }

    package let images: ImageStatistics
    /// Nil without distribution matching.
    package let matching: Matching?
    /// `gradientNorm` of the GAN loss, with its weight; nil without it.
    package let ganGradient: Float?
}

/// The mean over images of w mean((denoised - x)²), the critic's loss without its gradient.
///
/// Shapes: both tensors `[N, H, W, C]`, weights `[N]`.
package func denoisingError(_ denoised: Tensor, _ images: Tensor, weights: [Float]) -> Float {
    precondition(
        denoised.shape == images.shape && weights.count == images.shape[0],
        "denoisingError: \(denoised.shape), \(images.shape), \(weights.count) weights")
    let count = images.shape.countPerSample
    var total = 0.0
    for n in 0..<images.shape[0] {
        var squares = Float(0)
        for index in n * count..<(n + 1) * count {
            let difference = denoised.pointer[index] - images.pointer[index]
            squares += difference * difference
        }
        total += Double(weights[n]) * Double(squares) / Double(count)
    }
    return Float(total / Double(images.shape[0]))
}

/// The mean over images of the L2 norm of an image's gradient, of the loss of that image alone.
///
/// `gradient` is that of the mean over the N images, `[N, H, W, C]`, so each norm is taken N times: the result does not
/// depend on the size of the batch.
package func gradientNorm(_ gradient: Tensor) -> Float {
    let count = gradient.shape.countPerSample
    var total = 0.0
    for n in 0..<gradient.shape[0] {
        var squares = Float(0)
        for index in n * count..<(n + 1) * count { squares += gradient.pointer[index] * gradient.pointer[index] }
        total += Double(squares).squareRoot()
    }
    return Float(total)
}
