import Layers
import Tensors

/// The fixtures' generator of weights and probes: SplitMix64 from a hash of the tensor's name.
struct NamedUniform {
    private let hash: UInt64

    /// h = FNV-1a-64(UTF-8 of `name`) xor seed.
    init(_ name: String, seed: UInt64) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        self.hash = hash ^ seed
    }

    /// Element `index` of the tensor, in [-1, 1): exact in float32.
    subscript(index: Int) -> Double {
        var z = hash &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Double(z >> 40) / 8_388_608 - 1
    }
}

extension NetworkWeights {
    /// Gives every weight of the fixture its starting value; others stay zero.
    ///
    /// Matrices and kernels are u·√(3/n), n the elements per first index; scales of norms 1 + 0.1u; random frequencies
    /// 16u; other vectors 0.1u.
    func fill(from description: FixtureDescription, as role: FixtureRole) {
        update { values in
            for entry in layout.entries {
                let name = role.fixtureName(entry.name)
                guard description.weights[name] != nil else { continue }
                let u = NamedUniform(name, seed: description.seed)
                let target = values.pointer + entry.offset
                let isNormScale = name.contains("norm") && name.hasSuffix("weight")
                let center = entry.shape.count == 1 && isNormScale ? 1.0 : 0
                let width =
                    switch entry.shape.count {
                    case 1: name.hasSuffix("map_noise.freqs") ? 16 : 0.1
                    default: (3 / Double(entry.count / entry.shape[0])).squareRoot()
                    }
                for index in 0..<entry.count { target[index] = Float(center + width * u[index]) }
            }
        }
    }
}

/// A network of a run, and what the fixture calls its weights.
enum FixtureRole: String, CaseIterable {
    case teacher, student, critic

    /// The head is part of our critic; the fixture keeps it apart.
    func fixtureName(_ name: String) -> String { name.hasPrefix("head.") ? name : rawValue + "." + name }
}
