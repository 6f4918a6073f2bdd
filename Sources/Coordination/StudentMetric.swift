/// What a student update measures besides its losses: the names under which it stands among a step's metrics.
///
/// All are means over images, so that the values of shards add up. Brightness of an image is the mean of its pixels,
/// contrast their standard deviation.
package enum StudentMetric: String, Codable, Sendable, CaseIterable {
    /// Brightness of the student's images, and of as many real ones.
    case brightness = "image.brightness"
    case dataBrightness = "data.brightness"
    /// The square of an image's brightness: with the mean it gives the spread over images.
    case brightnessSquare = "image.brightness_square"
    /// Contrast of the student's images, and of as many real ones.
    case contrast = "image.contrast"
    case dataContrast = "data.contrast"
    /// Weighted squared error with which critic and teacher denoise the student's images, which neither was trained on,
    /// at the noise levels and with the noise of the matching loss.
    case criticError = "denoising.critic"
    case teacherError = "denoising.teacher"
    /// L2 norm, at one image, of the gradient of the matching loss and of the weighted GAN loss of that image.
    case matchingGradient = "image_gradient.matching"
    case ganGradient = "image_gradient.gan"
    /// The head's loss, and its mean logits.
    case headLoss = "loss.head"
    case realLogit = "logit.real"
    case generatedLogit = "logit.generated"
}
