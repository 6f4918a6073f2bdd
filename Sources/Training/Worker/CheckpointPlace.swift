import Checkpoints
import Communication
import Coordination
import Foundation

/// Where a checkpoint's files go. One per rank; all ranks use the same places in the same order.
protocol CheckpointPlace: AnyObject {
    /// Writes what this rank has to write there.
    var writer: ShardWriter { get }
    /// True if the files stay on the machines of the ranks.
    var isOnNodes: Bool { get }
    /// The metric of the seconds for which a save held the steps up.
    var stallMetric: String { get }

    /// Makes room for a save, before any rank writes. Collective: all ranks come to its end, those too where it throws.
    func open(step: Int, generation: Int) throws -> CheckpointSave
    /// Gives up what was opened, as far as this rank looks after it.
    func abandon(_ save: CheckpointSave)
}

/// The run folder, which all machines see: every rank writes its share there, and the checkpoint outlives any machine.
final class SharedPlace: CheckpointPlace {
    let writer: ShardWriter
    let isOnNodes = false
    let stallMetric = MetricRow.stallSeconds
    private let store: CheckpointStore
    private let rank: Int
    private let byteCount: Int

    /// A place for a stage's `tensors`, which all ranks hold, in a store.
    init(_ tensors: [TensorView], store: CheckpointStore, _ communicator: any Communicator) {
        self.store = store
        rank = communicator.rank
        byteCount = tensors.byteCount
        let size = communicator.size
        writer = ShardWriter(tensors, owners: [rank], of: size) { owner, share, save throws(CheckpointError) in
            try store.writeShard(rank: owner, of: size, share: share, in: save)
        }
    }

    func open(step: Int, generation: Int) throws -> CheckpointSave {
        if rank == 0 { _ = try store.beginSave(step: step, generation: generation, byteCount: byteCount) }
        return store.saveInProgress(step: step, generation: generation)
    }

    func abandon(_ save: CheckpointSave) {
        // What cannot be removed now the next save removes.
        if rank == 0 { try? store.abandon(save) }
    }
}

/// The machines' own disks: every rank writes its share and copies of others' there, and the run folder gets no more than the
/// manifest. A save costs no shared file system, so there can be many.
final class NodePlace: CheckpointPlace {
    private(set) lazy var writer = makeWriter()
    let isOnNodes = true
    let stallMetric = "node_checkpoint.stall_seconds"
    /// The manifests.
    let store: CheckpointStore
    /// This machine's files.
    let shards: NodeShards
    /// Who runs where.
    let groups: NodeGroups
    private let tensors: [TensorView]
    private let communicator: any Communicator

    /// A place for a stage's `tensors`, which all ranks hold: manifests in `store`, files in `shards`.
    init(
        _ tensors: [TensorView], store: CheckpointStore, shards: NodeShards, groups: NodeGroups,
        _ communicator: any Communicator
    ) {
        (self.store, self.shards, self.groups) = (store, shards, groups)
        (self.tensors, self.communicator) = (tensors, communicator)
    }

    private func makeWriter() -> ShardWriter {
        let (store, shards, size) = (store, shards, communicator.size)
        return ShardWriter(tensors, owners: groups.shares(writtenBy: communicator.rank), of: size) {
            owner, share, save throws(CheckpointError) in
            let written = try store.writeShard(rank: owner, of: size, share: share, in: save)
            try shards.flush(save)
            return written
        }
    }

    /// What this machine writes for one checkpoint, bytes.
    private lazy var byteCount = groups.sharesOnNode(of: communicator.rank)
        .map { CheckpointStore.share(of: tensors, $0, of: communicator.size).byteCount }.reduce(0, +)

    func open(step: Int, generation: Int) throws -> CheckpointSave {
        let begun = Result { communicator.rank == 0 ? try beginManifest(step: step, generation: generation) : [] }
        // Without rank 0's word on what must stay no machine may remove anything.
        let message = try communicator.broadcast(
            message: Array(JSONEncoder().encode(try? begun.get())), from: 0)
        let save = shards.save(step: step, generation: generation)
        _ = try begun.get()
        if let kept = try JSONDecoder().decode(Set<String>?.self, from: Data(message)),
            groups.isLeader(communicator.rank)
        {
            try shards.begin(save, keeping: kept, byteCount: byteCount)
        }
        return save
    }

    /// Begins the manifest's folder, and names the saves whose files are still wanted.
    private func beginManifest(step: Int, generation: Int) throws(CheckpointError) -> [String] {
        _ = try store.beginSave(step: step, generation: generation)
        return try store.inspectAll(hashingContent: false).compactMap { inspection in
            guard case .sound(let checkpoint) = inspection else { return nil }
            return NodeShards.name(step: checkpoint.manifest.step, generation: checkpoint.manifest.generation)
        }
    }

    func abandon(_ save: CheckpointSave) {
        // What cannot be removed now the next save removes.
        if communicator.rank == 0 {
            try? store.abandon(store.saveInProgress(step: save.step, generation: save.generation))
        }
        if groups.isLeader(communicator.rank) { try? store.abandon(save) }
    }

    /// Removes the files that this machine keeps, if this rank looks after them.
    func removeFiles() throws(CheckpointError) {
        if groups.isLeader(communicator.rank) { try shards.removeAll() }
    }
}

extension [TensorView] {
    /// The bytes of all their values.
    fileprivate var byteCount: Int { map { $0.elements.count * MemoryLayout<Float>.size }.reduce(0, +) }
}
