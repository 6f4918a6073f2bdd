import Checkpoints
import Diffusion
import Distillation
import Foundation
import Tensors

/// Numbers recorded in PyTorch (float32, deterministic): `NAME.json`, `NAME.safetensors`.
///
/// Most are of the official DMD2 code. Those named `formulas-…` cover options that it has no recording of: they are of a
/// model and a training step written from the papers' formulas as plain functions of PyTorch, for nothing else.
///
/// Images are stored NCHW and handed out NHWC.
final class Fixture {
    let description: FixtureDescription
    private let tensors: SafetensorsFile
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
        tensors = try SafetensorsFile(path: path.appendingPathExtension("safetensors").path)
        unread = Set(tensors.entries.keys)
    }

    func contains(_ name: String) -> Bool { tensors.entries[name] != nil }

    /// All `count` elements in the stored order, widened to double.
    func values(_ name: String, count: Int) throws -> [Double] {
        let entry = try take(name)
        guard entry.elementCount == count else {
            throw FixtureError("\(name) has \(entry.elementCount) elements instead of \(count)")
        }
        return entry.type == .float64
            ? try tensors.values(name) : try tensors.values(name, as: Float.self).map(Double.init)
    }

    /// Indices or labels `[N]`.
    func integers(_ name: String) throws -> [Int] {
        _ = try take(name)
        return try tensors.values(name, as: Int64.self).map { Int($0) }
    }

    /// One label per image `[N]`; zeros, which nothing looks at, where the networks have no labels.
    func labels(_ name: String, count: Int) throws -> [Int] {
        guard description.configuration.value.labels > 0 else {
            unread.remove(name)
            return [Int](repeating: 0, count: count)
        }
        return try integers(name)
    }

    /// Images `[N, H, W, C]`.
    func images(_ name: String) throws -> Tensor {
        let shape = try take(name).shape
        guard shape.count == 4 else { throw FixtureError("\(name) has shape \(shape), not an image's") }
        let (channels, pixels) = (shape[1], shape[2] * shape[3])
        let stored: [Float] = try tensors.values(name)
        let result = Tensor(uninitialized: Shape(shape[0], shape[2], shape[3], channels))
        for n in 0..<shape[0] {
            for channel in 0..<channels {
                for pixel in 0..<pixels {
                    result.pointer[(n * pixels + pixel) * channels + channel] =
                        stored[(n * channels + channel) * pixels + pixel]
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
        let (noise, real) = try (images(prefix + "z"), images(prefix + "real_image"))
        return try DistillationDraws(
            student: .rollout([noise]), labels: labels(prefix + "labels", count: noise.shape[0]),
            realImages: real, realLabels: labels(prefix + "real_labels", count: real.shape[0]),
            matching: draw("dm"), studentGAN: draw("student_gan"), critic: critic, realGAN: draw("real_gan"),
            fakeGAN: draw("fake_gan"))
    }

    /// Marks a tensor as read.
    private func take(_ name: String) throws -> SafetensorsEntry {
        guard let entry = tensors.entries[name] else { throw FixtureError("tensor \(name) is missing") }
        unread.remove(name)
        return entry
    }
}
