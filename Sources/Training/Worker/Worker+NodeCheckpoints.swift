import Checkpoints
import Communication
import Foundation
import Logging

extension Worker {
    /// Where this launch keeps the saves in between of a stage; nil if it makes none. Collective.
    func nodePlace(of stage: some TrainingStage, _ state: StageState) throws -> NodePlace? {
        guard let own = NodeFolder(configuration.checkpoints, machine: nodeName) else { return nil }
        let names = try communicator.gather(Array(nodeName.utf8)).map { String(decoding: $0, as: UTF8.self) }
        let message = try communicator.broadcast(message: Array(JSONEncoder().encode(names)), from: 0)
        let nodes = try JSONDecoder().decode([String].self, from: Data(message))
        return NodePlace(
            state.tensors, store: folder.nodeCheckpoints(of: stage.name),
            shards: own.shards(of: stage.name, runFolder: folder.path), groups: NodeGroups(nodes: nodes), communicator)
    }

    /// Removes a stage's saves in between, now that its end is in the run folder. A launch that makes none still removes the
    /// manifests of those before it; their files it cannot know.
    func removeNodeCheckpoints(of stage: String, _ nodes: NodePlace?) {
        do throws(CheckpointError) {
            if communicator.rank == 0 { try folder.nodeCheckpoints(of: stage).removeAll() }
            try nodes?.removeFiles()
        } catch {
            logger.warning("files of saves in between stay on \(nodeName): \(error)")
        }
    }

    /// The newest checkpoint after a step whose files the machines of this launch hold, each at least once and as it was
    /// written, and which rank is to read which file. Collective; all ranks get the same answer.
    func completeOnNodes(
        _ stage: String, _ nodes: NodePlace, after step: Int
    ) throws -> (checkpoint: Checkpoint, readers: [String: Int])? {
        var limit: Int?
        while let candidate = try agreedCandidate(stage, nodes.store, below: limit), candidate.manifest.step > step {
            if let readers = try agreedReaders(of: candidate, nodes) { return (candidate, readers) }
            limit = candidate.manifest.step
        }
        return nil
    }

    /// Who reads which file of a checkpoint, every file having been read and hashed by its reader; nil, and the checkpoint is
    /// set aside, if a file is nowhere as it was written.
    private func agreedReaders(of candidate: Checkpoint, _ nodes: NodePlace) throws -> [String: Int]? {
        let held = try communicator.gather(Array(JSONEncoder().encode(nodes.shards.files(of: candidate.manifest))))
        var search = FileReaders(
            files: candidate.manifest.files.keys.sorted(),
            held: try held.map { try JSONDecoder().decode([String].self, from: Data($0)) }, groups: nodes.groups)
        while true {
            let message = try communicator.broadcast(message: Array(JSONEncoder().encode(search.proposal)), from: 0)
            let proposal = try JSONDecoder().decode(FileReaders.Proposal.self, from: Data(message))
            switch proposal {
            case .settled(let readers):
                return readers
            case .impossible(let file):
                if communicator.rank == 0 {
                    let rejected = try nodes.store.setAside(
                        RejectedCheckpoint(
                            step: candidate.manifest.step, fault: .missing,
                            detail: "\(file) is on no machine of this launch as it was written",
                            folder: candidate.folder))
                    try control.notice("\(rejected)")
                }
                return nil
            case .check(let readers):
                let problems = readers.filter { $0.value == communicator.rank }.keys.sorted().compactMap { name in
                    nodes.shards.problem(with: name, of: candidate.manifest).map { (name, $0) }
                }
                let report = Dictionary(uniqueKeysWithValues: problems)
                let reports = try communicator.gather(Array(JSONEncoder().encode(report)))
                for (rank, bytes) in reports.enumerated() {
                    let found = try JSONDecoder().decode([String: String].self, from: Data(bytes))
                    for (name, problem) in found.sorted(by: { $0.key < $1.key }) {
                        search.reject(name, onNodeOf: rank)
                        try control.notice("\(nodes.groups.nodes[rank]): a copy is not used: \(problem)")
                    }
                }
                search.noteChecked(readers)
            }
        }
    }
}
