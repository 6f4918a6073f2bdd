package import Checkpoints
import Diffusion
import Layers
import Tensors

/// A teacher that was trained elsewhere: its weights in one safetensors file, under the network's names and in its shapes.
struct TeacherFile {
    private let file: SafetensorsFile
    /// SHA-256 of the file, lower-case hexadecimal.
    let sha256: String

    /// Opens, checks and hashes a file. Throws if it is not one of exactly this network's weights.
    init(path: String, layout: ParameterLayout) throws(TeacherFileError) {
        do {
            file = try SafetensorsFile(path: path)
            try file.checkHolds(exactly: layout.entries.map { ($0.name, $0.shape) })
            sha256 = try file.sha256()
        } catch {
            throw .unusable(error)
        }
    }

    /// Overwrites `weights` by the file's.
    func read(into weights: NetworkWeights) throws(TeacherFileError) {
        do {
            for (name, value) in weights.named {
                try file.read(TensorDestination(name: name, shape: value.shape.list, elements: value.buffer))
            }
        } catch {
            throw .unusable(error)
        }
        weights.update { _ in }
    }
}

extension RunConfiguration {
    /// The configuration with the hash of the teacher's file in it, so that it is in `run.yaml` and decides, like every key
    /// that is computed with, whether a run can go on. Without a file it is the configuration as it is.
    ///
    /// Throws if the file cannot be read, is not one of this network's weights, or has another hash than is set.
    package func bindingTeacherFile() throws(TeacherFileError) -> RunConfiguration {
        guard teacher.isGiven else { return self }
        let found = try TeacherFile(path: teacher.weights, layout: makeBackbone(network).layout).sha256
        guard teacher.weightsSHA256.isEmpty || teacher.weightsSHA256 == found else {
            throw .other(path: teacher.weights, sha256: found, wanted: teacher.weightsSHA256)
        }
        var bound = self
        bound.teacher.weightsSHA256 = found
        return bound
    }
}

/// Why the teacher that `teacher.weights` names cannot be used.
package enum TeacherFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be read, is damaged, or holds another network's weights.
    case unusable(CheckpointError)
    /// It is another file than the run was begun with.
    case other(path: String, sha256: String, wanted: String)

    /// One line: what failed, where, and what to do next.
    package var description: String {
        switch self {
        case .unusable(.system(_, let path, let reason)):
            "teacher.weights: \(path) cannot be read: \(reason); correct the path, or leave the key out to train a teacher"
        case .unusable(.mismatch(let path, let reason)):
            "teacher.weights: \(path) is no teacher of this network: \(reason); use the data.* and network.* keys it was "
                + "trained with"
        case .unusable(.damaged(let path, let reason)):
            "teacher.weights: \(path) is no sound safetensors file: \(reason); name another, as dmd2 checkpoint export or "
                + "scripts/convert-edm-pickle.py writes it"
        case .unusable(let error):
            "teacher.weights: \(error)"
        case .other(let path, let sha256, let wanted):
            "teacher.weights: \(path) has SHA-256 \(sha256), teacher.weightsSHA256 is \(wanted): restore that file, or begin "
                + "another run"
        }
    }
}
