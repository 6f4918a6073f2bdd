import Checkpoints
import Foundation

/// One rank's part in saving a state while the state goes on changing: a copy, made at once into memory that is there
/// already, and a thread that writes the copy while another hashes it.
final class ShardWriter {
    /// What became of this rank's part.
    enum Outcome: Codable {
        case written([ShardRecord], WritingSeconds)
        case failed(String)
    }

    /// Writes the share of an owner for a save; the file is on the disk when it returns.
    typealias Write =
        @Sendable (_ owner: Int, _ share: [TensorView], _ save: CheckpointSave) throws(CheckpointError)
        -> (record: ShardRecord, seconds: WritingSeconds)

    /// The ranks whose shares this rank writes.
    private let owners: [Int]
    private let write: Write
    private let copies: [ShardCopy]
    private let sources: [[TensorView]]
    private let outcome = Monitor<Outcome?>(nil)

    /// Prepares the memory for the `owners`' shares of `tensors`, which stay where they are, of so many ranks.
    init(_ tensors: [TensorView], owners: [Int], of rankCount: Int, write: @escaping Write) {
        (self.owners, self.write) = (owners, write)
        sources = owners.map { CheckpointStore.share(of: tensors, $0, of: rankCount) }
        copies = sources.map(ShardCopy.init)
    }

    /// Copies the state and begins to write it. Traps if the write before has not been finished.
    func begin(_ save: CheckpointSave) {
        precondition(!isWriting, "shard writer: a second save begins before the first is finished")
        for (copy, source) in zip(copies, sources) { copy.update(from: source) }
        isWriting = true
        outcome.withLock { $0 = nil }
        let (owners, copies, write, outcome) = (owners, copies, write, outcome)
        Thread.detachNewThread {
            let result = Result { () throws(CheckpointError) in
                var records: [ShardRecord] = []
                var seconds = WritingSeconds()
                for (owner, copy) in zip(owners, copies) {
                    let written = try write(owner, copy.tensors, save)
                    records.append(written.record)
                    seconds = seconds + written.seconds
                }
                return Outcome.written(records, seconds)
            }
            outcome.withLock {
                switch result {
                case .success(let written): $0 = written
                case .failure(let error): $0 = .failed("\(error)")
                }
            }
        }
    }

    /// True from `begin` to `finish`.
    private(set) var isWriting = false

    /// True if `finish` would not wait.
    var isDone: Bool { outcome.withLock { $0 != nil } }

    /// Waits for the end of the write and says what became of it. Traps if none was begun.
    func finish() -> Outcome {
        precondition(isWriting, "shard writer: nothing to finish")
        isWriting = false
        while true {
            if let result = outcome.wait(seconds: 1, until: { $0 }) { return result }
        }
    }
}

/// Memory for one rank's share of a state.
///
/// `@unchecked Sendable`: between `ShardWriter.begin` and the end of its thread only that thread touches the floats,
/// and before and after only the thread that trains.
private final class ShardCopy: @unchecked Sendable {
    let tensors: [TensorView]
    private let memory: UnsafeMutableBufferPointer<Float>

    /// Memory for tensors of these names and shapes, all of it touched, so that no page is missing later.
    init(_ source: [TensorView]) {
        memory = .allocate(capacity: source.map(\.elements.count).reduce(0, +))
        memory.initialize(repeating: 0)
        var offset = 0
        var tensors: [TensorView] = []
        for tensor in source {
            let part = memory[offset..<offset + tensor.elements.count]
            tensors.append(
                TensorView(
                    name: tensor.name, shape: tensor.shape,
                    elements: UnsafeBufferPointer(UnsafeMutableBufferPointer(rebasing: part))))
            offset += part.count
        }
        self.tensors = tensors
    }

    deinit { memory.deallocate() }

    /// Overwrites the copy.
    func update(from source: [TensorView]) {
        var rest = memory[...]
        for tensor in source {
            _ = UnsafeMutableBufferPointer(rebasing: rest).update(fromContentsOf: tensor.elements)
            rest = rest.dropFirst(tensor.elements.count)
        }
    }
}
