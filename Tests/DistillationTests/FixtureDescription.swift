import Foundation

/// The JSON part of a fixture: configuration, initial weights, and what each iteration measured.
///
/// A key that is not listed here is an error: an option that is read over would make the comparison meaningless.
struct FixtureDescription: Decodable {
    let name: String
    let seed: UInt64
    let configuration: Strict<Configuration>
    /// The shape of every weight under its name, in PyTorch's order.
    let weights: [String: [Int]]
    let iterations: [Strict<Iteration>]

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, seed, weights, iterations
        case configuration = "config"
    }

    struct Configuration: Decodable, KeyListed {
        let resolution: Int, imageChannels: Int, labels: Int
        let sigmaData: Double
        let batch: Int, ratio: Int, iterations: Int
        let trainsHead: Bool
        let studentSigma: Float, studentGANWeight: Float, criticGANWeight: Float
        let optimizer: Strict<Optimizer>
        let network: Strict<Network>

        enum CodingKeys: String, CodingKey, CaseIterable {
            case resolution, batch, ratio, iterations, optimizer, network
            case imageChannels = "image_channels"
            case labels = "label_dim"
            case sigmaData = "sigma_data"
            case trainsHead = "gan"
            case studentSigma = "student_sigma"
            case studentGANWeight = "student_gan_weight"
            case criticGANWeight = "critic_gan_weight"
        }
    }

    struct Optimizer: Decodable, KeyListed {
        let studentLearningRate: Float, criticLearningRate: Float
        let betas: [Float]
        let epsilon: Float, weightDecay: Float, maxGradientNorm: Float

        enum CodingKeys: String, CodingKey, CaseIterable {
            case betas
            case epsilon = "eps"
            case studentLearningRate = "student_lr"
            case criticLearningRate = "critic_lr"
            case weightDecay = "weight_decay"
            case maxGradientNorm = "max_grad_norm"
        }
    }

    struct Network: Decodable, KeyListed {
        let type: String
        let channels: Int, channelMultipliers: [Int], embeddingMultiplier: Int, blocks: Int, attentionResolutions: [Int]
        let dropout: Double?, augmentationLabels: Double?, labelDropout: Double?
        /// SongUNet's own; those of DDPM++ where they are not given.
        let embedding: String?, noiseChannelMultiplier: Int?, encoder: String?, decoder: String?, filter: [Double]?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case dropout
            case type = "model_type"
            case channels = "model_channels"
            case channelMultipliers = "channel_mult"
            case embeddingMultiplier = "channel_mult_emb"
            case blocks = "num_blocks"
            case attentionResolutions = "attn_resolutions"
            case augmentationLabels = "augment_dim"
            case labelDropout = "label_dropout"
            case embedding = "embedding_type"
            case noiseChannelMultiplier = "channel_mult_noise"
            case encoder = "encoder_type"
            case decoder = "decoder_type"
            case filter = "resample_filter"
        }
    }

    struct Iteration: Decodable, KeyListed {
        let isStudentTurn: Bool
        let matchingLoss: Double?, studentAdversarialLoss: Double?, studentGradientNorm: Double?
        let criticLoss: Double, criticAdversarialLoss: Double?, criticGradientNorm: Double

        enum CodingKeys: String, CodingKey, CaseIterable {
            case isStudentTurn = "student_turn"
            case matchingLoss = "loss_dm"
            case studentAdversarialLoss = "loss_gan_student"
            case studentGradientNorm = "grad_norm_student"
            case criticLoss = "loss_critic"
            case criticAdversarialLoss = "loss_gan_critic"
            case criticGradientNorm = "grad_norm_critic"
        }
    }
}

/// A type that lists the keys it reads.
protocol KeyListed {
    associatedtype CodingKeys: CodingKey, CaseIterable
}

/// A value whose object has no other keys than those it reads.
struct Strict<Value: Decodable & KeyListed>: Decodable {
    let value: Value

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let known = Set(Value.CodingKeys.allCases.map(\.stringValue))
        let unknown = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).filter {
            !known.contains($0)
        }
        guard unknown.isEmpty else {
            throw FixtureError("option \(unknown.sorted().joined(separator: ", ")) is not supported")
        }
        value = try Value(from: decoder)
    }
}

/// What makes a fixture unusable, in one line.
struct FixtureError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
