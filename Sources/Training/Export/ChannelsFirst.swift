import Tensors

/// `[N, H, W, C]` as `[N, C, H, W]`, which is how files for other programs have images.
func channelsFirst(_ images: Tensor) -> Tensor {
    let (count, height, width, channels) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3])
    let result = Tensor(uninitialized: Shape(count, channels, height, width))
    let pixels = height * width
    for image in 0..<count {
        for channel in 0..<channels {
            for pixel in 0..<pixels {
                result.pointer[(image * channels + channel) * pixels + pixel] =
                    images.pointer[(image * pixels + pixel) * channels + channel]
            }
        }
    }
    return result
}
