import Foundation

/// Named float32 tensors on the disk: a published checkpoint, or one safetensors file.
package final class TensorCollection {
    /// Where it is.
    package let path: String
    /// The shape of every tensor, by name.
    package let shapes: [String: [Int]]
    private let read: (TensorDestination) throws(CheckpointError) -> Void

    /// Opens what is at `path`. A checkpoint's files are read and their hashes compared first.
    ///
    /// Throws `unknownStep` or `damaged` for a checkpoint that is not there or does not verify, `mismatch` for a file with tensors that are not float32.
    package init(path: String) throws(CheckpointError) {
        self.path = path
        let name = (path as NSString).lastPathComponent
        if let step = CheckpointStore.step(ofName: name) {
            let parent = (path as NSString).deletingLastPathComponent
            let store = CheckpointStore(folder: parent.isEmpty ? "." : parent)
            switch try store.judge(namedStep: step) {
            case .sound(let checkpoint):
                let reader = try CheckpointReader(checkpoint)
                shapes = checkpoint.manifest.tensors.mapValues(\.shape)
                read = { destination throws(CheckpointError) in try reader.read(destination) }
            case .rejected(let rejected):
                throw .damaged(path: path, reason: rejected.detail)
            }
        } else {
            let file = try SafetensorsFile(path: path)
            if let other = file.entries.filter({ $0.value.type != .float32 }).keys.min() {
                throw .mismatch(path: path, reason: "tensor \(other) is not float32")
            }
            shapes = file.entries.mapValues(\.shape)
            read = { destination throws(CheckpointError) in try file.read(destination) }
        }
    }

    /// The values of a tensor of the collection.
    func values(_ name: String) throws(CheckpointError) -> [Float] {
        let shape = shapes[name] ?? []
        let count = shape.reduce(1, *)
        var outcome = Result<Void, CheckpointError>.success(())
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: 0)
            let elements = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            outcome = Result { () throws(CheckpointError) in
                try read(TensorDestination(name: name, shape: shape, elements: elements))
            }
            initialized = count
        }
        try outcome.get()
        return values
    }
}
