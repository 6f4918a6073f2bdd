import Checkpoints
import Layers
import Tensors

extension NetworkWeights {
    /// SHA-256 over names and values, lower-case hexadecimal: what binds a checkpoint or pairs to their teacher.
    var sha256: String {
        var hasher = SHA256Hasher()
        for (name, value) in named {
            Array(name.utf8).withUnsafeBytes { hasher.update($0) }
            hasher.update(UnsafeRawBufferPointer(value.buffer))
        }
        return hasher.finish()
    }
}
