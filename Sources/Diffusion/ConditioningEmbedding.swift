import Glibc
import Layers
import Tensors

/// Which half of an embedding comes first.
enum WaveOrder {
    case cosineFirst, sineFirst
}

/// Cosines and sines of an angle for each sample and wave, `[samples, 2 waves]`. A student's samples have one noise level
/// in common: a row like the one before it is copied.
func noiseWaves(
    of conditioning: [Float], waves: Int, order: WaveOrder, angle: (_ conditioning: Float, _ wave: Int) -> Double
) -> Tensor {
    let samples = conditioning.count
    let result = Tensor(uninitialized: Shape(samples, 2 * waves))
    let (cosines, sines) = order == .cosineFirst ? (0, waves) : (waves, 0)
    for sample in 0..<samples {
        let row = result.pointer + sample * 2 * waves
        if sample > 0, conditioning[sample] == conditioning[sample - 1] {
            row.update(from: row - 2 * waves, count: 2 * waves)
            continue
        }
        for wave in 0..<waves {
            let radians = angle(conditioning[sample], wave)
            row[cosines + wave] = Float(cos(radians))
            row[sines + wave] = Float(sin(radians))
        }
    }
    return result
}

/// The linear layer that brings labels into an embedding, `model.map_label`.
struct LabelMap: Sendable {
    private let layer: LinearLayer
    private let classes: Int
    private let scale: Float

    /// Adds the layer; nil where the network has no labels. `scale` multiplies the one-hot vector.
    init?(
        _ layout: inout ParameterLayout, _ configuration: NetworkConfiguration, outputs: Int, hasBias: Bool,
        scale: Float,
        initializer: Initializer? = nil
    ) {
        classes = configuration.labelCount
        guard classes > 0 else { return nil }
        self.scale = scale
        layer = LinearLayer(
            &layout, "model.map_label", inputs: classes, outputs: outputs, hasBias: hasBias, initializer: initializer)
    }

    /// Of each label's one-hot vector, of zeros where there is none. Shapes: labels `[N]`, result `[N, outputs]`.
    ///
    /// Traps: if a label is none of the classes.
    func callAsFunction(_ labels: [Int?], _ weights: BoundWeights) -> Variable {
        let oneHot = Tensor(repeating: 0, Shape(labels.count, classes))
        for (n, label) in labels.enumerated() {
            guard let label else { continue }
            precondition((0..<classes).contains(label), "LabelMap: label \(label) of \(classes) classes")
            oneHot.pointer[n * classes + label] = scale
        }
        return layer(Variable(oneHot), weights)
    }
}
