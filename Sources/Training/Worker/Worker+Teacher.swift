import Communication
import Diffusion
import Layers
import Tensors

extension Worker {
    /// The weights of the file that `teacher.weights` names: rank 0's, on every rank.
    func givenTeacher(_ denoiser: Denoiser, precision: PrecisionConfiguration) throws -> NetworkWeights {
        let weights = NetworkWeights(denoiser.layout, precision: precision.teacher)
        let path = configuration.teacher.weights
        if communicator.rank == 0 {
            let file = try TeacherFile(path: path, layout: denoiser.layout)
            guard file.sha256 == configuration.teacher.weightsSHA256 else {
                throw TeacherFileError.other(
                    path: path, sha256: file.sha256, wanted: configuration.teacher.weightsSHA256)
            }
            try file.read(into: weights)
            try control.notice("the teacher is \(path), SHA-256 \(file.sha256)")
        }
        try communicator.broadcast(weights.values.buffer, from: 0)
        weights.update { _ in }
        return weights
    }
}
