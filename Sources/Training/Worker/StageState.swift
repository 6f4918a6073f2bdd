import Checkpoints
import Communication
import Foundation
import Layers
import Tensors

/// What a stage's checkpoint holds: of each network the weights, the moving average, both moments and the updates done.
///
/// Tensors are named ROLE.NAME, ROLE.average.NAME, ROLE.moment1.NAME and ROLE.moment2.NAME, those of a further average
/// ROLE.average-DECAY.NAME; nothing depends on ranks.
struct StageState {
    let networks: [TrainedNetwork]

    /// What is kept of a network, as its tensors' names say after the role.
    enum Part: String, CaseIterable {
        case weights = ""
        case average = "average."
        case moment1 = "moment1."
        case moment2 = "moment2."
    }

    /// The tensors to overwrite by stored ones.
    private var destinations: [TensorDestination] {
        pieces.map { TensorDestination(name: $0.name, shape: $0.shape, elements: $0.buffer) }
    }

    private struct Piece {
        let name: String
        let shape: [Int]
        let buffer: UnsafeMutableBufferPointer<Float>
    }

    private var pieces: [Piece] {
        networks.flatMap { network -> [Piece] in
            let optimizer = network.optimizer
            var buffers = [
                (Part.weights, optimizer.weights.values), (.moment1, optimizer.firstMoment),
                (.moment2, optimizer.secondMoment),
            ]
            if let average = optimizer.average { buffers.append((.average, average.values)) }
            let named = buffers.map { ($0.rawValue, $1) }
            let further = network.furtherAverages.map { (Self.prefix(furtherDecay: $0.decay), $0.weights.values) }
            return (named + further).flatMap { prefix, flat in
                optimizer.weights.layout.entries.map { entry in
                    Piece(
                        name: "\(network.name).\(prefix)\(entry.name)", shape: entry.shape,
                        buffer: UnsafeMutableBufferPointer(
                            rebasing: flat.buffer[entry.offset..<entry.offset + entry.count]))
                }
            }
        }
    }

    /// The tensors of one set of a network's weights in a checkpoint: their names there and in the network, in
    /// alphabetical order.
    static func names(
        in manifest: Manifest, role: String, _ values: ExportedValues
    ) -> [(stored: String, name: String)] {
        let part =
            switch values {
            case .raw: Part.weights.rawValue
            case .average: Part.average.rawValue
            case .furtherAverage(let decay): prefix(furtherDecay: decay)
            }
        let prefix = "\(role).\(part)"
        return manifest.tensors.keys.sorted().compactMap { stored in
            guard stored.hasPrefix(prefix) else { return nil }
            let name = String(stored.dropFirst(prefix.count))
            let others = Part.allCases.filter { $0 != .weights }.map(\.rawValue) + [furtherAveragePrefix]
            let isOfOtherPart = values == .raw && others.contains { name.hasPrefix($0) }
            return isOfOtherPart ? nil : (stored, name)
        }
    }

    private static let furtherAveragePrefix = "average-"
    private static func prefix(furtherDecay decay: Double) -> String { furtherAveragePrefix + "\(decay)." }

    /// The tensors to save, in an order that all ranks share.
    var tensors: [TensorView] {
        pieces.map { TensorView(name: $0.name, shape: $0.shape, elements: UnsafeBufferPointer($0.buffer)) }
    }

    /// The updates of each network, for the manifest.
    var metadata: [String: String] {
        Dictionary(uniqueKeysWithValues: networks.map { ("updates.\($0.name)", String($0.optimizer.updateCount)) })
    }

    /// Overwrites the state by a checkpoint's.
    ///
    /// Throws: `CheckpointError` if the checkpoint is another network's.
    func load(_ checkpoint: Checkpoint) throws {
        try CheckpointReader(checkpoint).readAll(into: destinations)
        try takeOverUpdates(of: checkpoint)
    }

    /// Overwrites the state by a checkpoint's whose files are on the machines of the ranks: `readers` says which rank reads
    /// which file and passes its tensors on. Collective.
    ///
    /// Throws: `CheckpointError` if the checkpoint is another network's.
    func load(
        _ checkpoint: Checkpoint, from shards: NodeShards, readers: [String: Int], _ communicator: any Communicator
    ) throws {
        try checkpoint.checkFits(destinations)
        let folder = shards.folder(of: checkpoint.manifest)
        for (name, reader) in readers.sorted(by: { $0.key < $1.key }) {
            let file = communicator.rank == reader ? try SafetensorsFile(path: folder + "/" + name) : nil
            for destination in destinations where checkpoint.manifest.tensors[destination.name]?.file == name {
                try file?.read(destination)
                try communicator.broadcast(destination.elements, from: reader)
            }
        }
        try takeOverUpdates(of: checkpoint)
    }

    private func takeOverUpdates(of checkpoint: Checkpoint) throws(CheckpointError) {
        for network in networks {
            guard let updates = checkpoint.manifest.metadata["updates.\(network.name)"].flatMap(Int.init) else {
                throw CheckpointError.mismatch(
                    path: checkpoint.folder, reason: "it does not say how often \(network.name) was updated")
            }
            network.optimizer.updateCount = updates
            network.optimizer.weights.update { _ in }
            network.optimizer.average?.update { _ in }
            for average in network.furtherAverages { average.weights.update { _ in } }
        }
    }

    /// SHA-256 over the names and values of all weights and moving averages, lower-case hexadecimal.
    var weightsHash: String {
        var hasher = SHA256Hasher()
        for network in networks {
            let averages = network.furtherAverages.map { (Self.prefix(furtherDecay: $0.decay), Optional($0.weights)) }
            let kept = [("", network.optimizer.weights), ("average.", network.optimizer.average)] + averages
            for (prefix, weights) in kept {
                for (name, value) in weights?.named ?? [] {
                    Array("\(network.name).\(prefix)\(name)".utf8).withUnsafeBytes { hasher.update($0) }
                    hasher.update(UnsafeRawBufferPointer(value.buffer))
                }
            }
        }
        return hasher.finish()
    }
}
