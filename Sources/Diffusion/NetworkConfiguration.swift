/// The shape of a denoiser network; teacher, critic and student of one run share it.
///
/// The names follow the field's: a level is one resolution of the U-Net, level 0 the image itself, and each level
/// halves the resolution of the one above.
package struct NetworkConfiguration: Sendable, Equatable {
    /// A backbone this project has.
    package enum Backbone: String, Sendable, CaseIterable {
        /// The U-Net of Dhariwal and Nichol 2021 as laid out in EDM (`DhariwalUNet`).
        case adm
        /// The U-Net of Song et al. 2021 (`SongUNet` in EDM) as DDPM++: positional embedding, box filter.
        case ddpmpp
        /// The same as NCSN++: random Fourier features, residual encoder, [1, 3, 3, 1] filter.
        case ncsnpp
        /// Residual blocks of linear layers, for points and tiny images; one level, `blocks` blocks on either side of the
        /// bottleneck.
        case mlp
    }

    /// The backbone. File key: `network.type`.
    package var backbone: Backbone

    /// Height and width of an image, in pixels. File key: `data.resolution`.
    package var resolution: Int

    /// Channels of an image: 1 grey, 3 colour. File key: `data.imageChannels`.
    package var imageChannels: Int

    /// Number of labels K of the data. File key: `data.classes`.
    package var classes: Int

    /// True where a label enters the network, as a one-hot vector of K; else labels are ignored.
    package var conditional: Bool

    /// Channels C of level 0 before its multiplier; a multiple of 8.
    package var channels: Int

    /// Multiplier of `channels` at each level, finest first; its count is the number of levels.
    package var channelMultipliers: [Int]

    /// Width of the noise and label embedding, in multiples of `channels`.
    package var channelMultiplierEmbedding: Int

    /// Residual blocks per level in the encoder; the decoder has one more.
    package var blocks: Int

    /// Resolutions whose blocks end with self-attention: 64 channels per head in ADM, one head in the others.
    package var attentionResolutions: [Int]

    /// Standard deviation of the images, in units of pixel value in -1...1 (Karras et al. 2022, table 1: 0.5).
    package var sigmaData: Double

    /// What the network's output is.
    package var prediction: Prediction

    /// The noise levels it knows.
    package var noiseSchedule: NoiseSchedule

    /// A configuration; the defaults are the digits'.
    package init(
        backbone: Backbone = .adm, resolution: Int = 8, imageChannels: Int = 1, classes: Int = 10,
        conditional: Bool = true, channels: Int = 16,
        channelMultipliers: [Int] = [1, 4], channelMultiplierEmbedding: Int = 4, blocks: Int = 1,
        attentionResolutions: [Int] = [4], sigmaData: Double = 0.5,
        prediction: Prediction = .edm, noiseSchedule: NoiseSchedule = .karras
    ) {
        self.backbone = backbone
        self.resolution = resolution
        self.imageChannels = imageChannels
        self.classes = classes
        self.conditional = conditional
        self.channels = channels
        self.channelMultipliers = channelMultipliers
        self.channelMultiplierEmbedding = channelMultiplierEmbedding
        self.blocks = blocks
        self.attentionResolutions = attentionResolutions
        self.sigmaData = sigmaData
        self.prediction = prediction
        self.noiseSchedule = noiseSchedule
    }

    /// The labels that the network tells apart: K, or 0 for an unconditional one.
    package var labelCount: Int { conditional ? classes : 0 }

    /// True where an image is a single pixel: a point whose coordinates are its channels.
    package var isOfPoints: Bool { resolution == 1 }

    /// The resolution of every level, finest first: resolution / 2^level. An MLP has one, of a single pixel.
    package var resolutions: [Int] {
        backbone == .mlp ? [1] : channelMultipliers.indices.map { resolution >> $0 }
    }

    /// The channels of every level, finest first: channels times multiplier.
    package var levelChannels: [Int] {
        channelMultipliers.map { channels * $0 }
    }

    /// The channels of the encoder's last block at each resolution.
    package var encoderChannels: [Int: Int] {
        Dictionary(uniqueKeysWithValues: zip(resolutions, levelChannels))
    }

    /// The resolution of the coarsest level, where the discriminator head reads.
    package var bottleneckResolution: Int {
        resolutions.last ?? resolution
    }

    /// The channels of the coarsest level, where the discriminator head reads.
    package var bottleneckChannels: Int {
        levelChannels.last ?? channels
    }
}
