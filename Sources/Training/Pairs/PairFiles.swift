import Checkpoints
import Foundation
package import Tensors

/// The folder of a run's pairs: the teacher's images for keyed noise, a file for each batch of them.
///
/// A file is `batch-00007.safetensors` with one tensor, `images` `[n, H, W, C]`; the noise and the labels are functions of
/// seed and number, so they are not stored. Its metadata names what the images were made by, and holds a SHA-256 over
/// that and the images. A file gets its name when it is whole, so those of a run that was killed count.
package struct PairFiles: Sendable {
    package let folder: String
    package let identity: PairIdentity
    /// Images of a file, the last one's may be fewer, and of all of them.
    package let batch: Int, count: Int

    private static let images = "images"
    private static let contentKey = "content.sha256"

    package init(folder: String, identity: PairIdentity, batch: Int, count: Int) {
        precondition(batch >= 1 && count >= 1, "PairFiles: \(count) pairs in batches of \(batch)")
        (self.folder, self.identity, self.batch, self.count) = (folder, identity, batch, count)
    }

    /// The files there will be.
    package var fileCount: Int { (count + batch - 1) / batch }

    /// The numbers of the pairs in a file.
    package func range(_ file: Int) -> Range<Int> { file * batch..<min(count, (file + 1) * batch) }

    package func path(_ file: Int) -> String {
        let digits = String(file)
        return folder + "/batch-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".safetensors"
    }

    /// The files that are missing, or damaged: these are described by `damaged`.
    ///
    /// Throws: `PairError.madeOtherwise` if there is a sound file of another identity.
    package func missing(damaged: (String) throws -> Void) throws -> [Int] {
        try (0..<fileCount).filter { file in
            guard FileManager.default.fileExists(atPath: path(file)) else { return true }
            do {
                _ = try read(file, shape: nil)
                return false
            } catch let error as CheckpointError {
                try damaged("\(error)")
                return true
            }
        }
    }

    /// Writes the images of a file.
    package func write(_ file: Int, _ images: Tensor) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var metadata = identity.metadata
        metadata[Self.contentKey] = Self.hash(metadata, images.elements)
        let view = TensorView(
            name: Self.images, shape: images.shape.list, elements: UnsafeBufferPointer(images.buffer))
        _ = try SafetensorsFile.replace(path(file), by: [view], metadata: metadata)
    }

    /// The images of all files `[count, H, W, C]`. `shape` is one image's.
    ///
    /// Throws: if a file is missing or damaged, `PairError` if it was made otherwise.
    package func readAll(_ shape: [Int]) throws -> Tensor {
        let images = Tensor(uninitialized: Shape([count] + shape))
        for file in 0..<fileCount {
            let range = range(file)
            _ = images.samples(range).buffer.update(fromContentsOf: try read(file, shape: [range.count] + shape))
        }
        return images
    }

    /// The values of a file's images, checked.
    private func read(_ file: Int, shape: [Int]?) throws -> [Float] {
        let path = path(file)
        let stored = try SafetensorsFile(path: path)
        var metadata = stored.metadata
        let content = metadata.removeValue(forKey: Self.contentKey)
        let values = try stored.values(Self.images, as: Float.self)
        guard content == Self.hash(metadata, values) else {
            throw CheckpointError.damaged(path: path, reason: "it does not have the hash it states")
        }
        for (key, wanted) in identity.metadata.sorted(by: { $0.key < $1.key }) where metadata[key] != wanted {
            throw PairError.madeOtherwise(path: path, what: key, found: metadata[key] ?? "none", wanted: wanted)
        }
        if let shape, stored.entries[Self.images]?.shape != shape {
            throw CheckpointError.mismatch(
                path: path, reason: "its images are \(stored.entries[Self.images]?.shape ?? []), not \(shape)")
        }
        return values
    }

    /// SHA-256 over the metadata, sorted, and the images.
    private static func hash(_ metadata: [String: String], _ images: [Float]) -> String {
        var hasher = SHA256Hasher()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            Array("\(key)=\(value)\n".utf8).withUnsafeBytes { hasher.update($0) }
        }
        images.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }
}

/// Pairs that are not this run's.
package enum PairError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another teacher, noise level, sampler or seed made a file.
    case madeOtherwise(path: String, what: String, found: String, wanted: String)

    package var description: String {
        switch self {
        case .madeOtherwise(let path, "teacher.sha256", let found, let wanted):
            "\(path) was made by another teacher: its weights have the hash \(found.prefix(12)), this run's "
                + "\(wanted.prefix(12)); move the folder away to make pairs anew"
        case .madeOtherwise(let path, let what, let found, let wanted):
            "\(path) was made with \(what) \(found), this run has \(wanted); move the folder away to make pairs anew"
        }
    }
}
