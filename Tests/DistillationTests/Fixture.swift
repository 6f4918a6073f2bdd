import Diffusion
import Distillation
import Foundation
import Tensors

/// Numbers recorded from the official DMD2 code, float32 on one thread: `NAME.json` and `NAME.safetensors`.
///
/// Images are stored NCHW and handed out NHWC.
final class Fixture {
    let description: FixtureDescription
    private let tensors: [String: StoredTensor]
    /// The tensors nobody has asked for yet; what is left at the end was not compared.
    private(set) var unread: Set<String>

    /// The folder in `DMD2_FIXTURES`, or the project's own copy.
    static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["DMD2_FIXTURES"] {
            return URL(fileURLWithPath: path, isDirectory: true)
        }
        return Bundle.module.bundleURL.appendingPathComponent("Fixtures", isDirectory: true)
    }

    /// The names of all fixtures in the folder, sorted; none where there is no such folder.
    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "json" }.map { $0.deletingPathExtension().lastPathComponent }.sorted()
    }

    init(named name: String) throws {
        let path = Self.folder.appendingPathComponent(name)
        description = try JSONDecoder().decode(
            FixtureDescription.self, from: Data(contentsOf: path.appendingPathExtension("json")))
        tensors = try StoredTensor.readAll(path.appendingPathExtension("safetensors"))
        unread = Set(tensors.keys)
    }

    func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// All elements in the stored order.
    func values(_ name: String) throws -> [Double] { try tensor(name).values }

    /// Indices or labels `[N]`.
    func integers(_ name: String) throws -> [Int] { try tensor(name).values.map { Int($0) } }

    /// Images `[N, H, W, C]`.
    func images(_ name: String) throws -> Tensor {
        let stored = try tensor(name)
        guard stored.shape.count == 4 else { throw FixtureError("\(name) has shape \(stored.shape), not an image's") }
        let (channels, pixels) = (stored.shape[1], stored.shape[2] * stored.shape[3])
        let result = Tensor(uninitialized: Shape(stored.shape[0], stored.shape[2], stored.shape[3], channels))
        for n in 0..<stored.shape[0] {
            for channel in 0..<channels {
                for pixel in 0..<pixels {
                    result.pointer[(n * pixels + pixel) * channels + channel] =
                        Float(stored.values[(n * channels + channel) * pixels + pixel])
                }
            }
        }
        return result
    }

    /// Everything that was drawn in one iteration.
    func draws(iteration: Int) throws -> DistillationDraws {
        let prefix = "it\(iteration)."
        func draw(_ name: String) throws -> NoiseDraw? {
            guard contains(prefix + name + "_index") else { return nil }
            return try NoiseDraw(
                indices: integers(prefix + name + "_index"), noise: images(prefix + name + "_noise"))
        }
        guard let critic = try draw("critic") else { throw FixtureError("\(prefix)critic_index is missing") }
        return try DistillationDraws(
            studentNoise: images(prefix + "z"), labels: integers(prefix + "labels"),
            realImages: images(prefix + "real_image"), realLabels: integers(prefix + "real_labels"),
            matching: draw("dm"), studentGAN: draw("student_gan"), critic: critic, realGAN: draw("real_gan"),
            fakeGAN: draw("fake_gan"))
    }

    private func tensor(_ name: String) throws -> StoredTensor {
        guard let tensor = tensors[name] else { throw FixtureError("tensor \(name) is missing") }
        unread.remove(name)
        return tensor
    }
}
