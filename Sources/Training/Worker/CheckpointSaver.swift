import Checkpoints
import Communication
import Coordination
import Foundation
import Tensors

/// Saves the state of a stage while the stage goes on. What the training thread pays is a copy of its rank's share; other
/// threads write, hash and publish. One save is under way at a time: the next one that is due waits for it.
///
/// All of MPI stays on the training thread: a save is begun and finished by collective calls, between steps. A save that
/// cannot be made is given up, told and written down; nothing that was published before is touched.
final class CheckpointSaver {
    /// What is being saved.
    private struct Save {
        let place: any CheckpointPlace
        let target: CheckpointSave
        let metadata: [String: String]
        /// For how long training has waited for it.
        let stallSeconds: Double
    }

    private let stage: String
    private let communicator: any Communicator
    private let control: any ControlLink
    private let report: (_ step: Int, _ metrics: [(name: String, value: Double)]) -> Void
    /// The steps that are done.
    private var step = 0
    /// The save whose files are being written: the same on all ranks.
    private var writing: Save?

    /// A saver of a stage. `report` receives signs of life, and on rank 0 what a save cost.
    init(
        stage: String, communicator: any Communicator, control: any ControlLink,
        report: @escaping (_ step: Int, _ metrics: [(name: String, value: Double)]) -> Void
    ) {
        (self.stage, self.communicator, self.control) = (stage, communicator, control)
        self.report = report
    }

    /// True while files are being written: the same on all ranks.
    var isWriting: Bool { writing != nil }

    /// Begins a save of the state as it is now. Collective. False if it was given up at once, for lack of space say.
    @discardableResult
    func begin(step: Int, metadata: [String: String], in place: any CheckpointPlace) throws -> Bool {
        self.step = step
        report(step, [])
        // A save that is still under way is waited for: that is part of what this one costs.
        let begun = ContinuousClock.now
        try finish()
        guard let target = try open(step: step, in: place) else { return false }
        place.writer.begin(target)
        let stall = (ContinuousClock.now - begun) / .seconds(1)
        writing = Save(place: place, target: target, metadata: metadata, stallSeconds: stall)
        return true
    }

    /// Makes room for a save. Collective. Nil, on all ranks, if any rank could not.
    private func open(step: Int, in place: any CheckpointPlace) throws -> CheckpointSave? {
        var target: CheckpointSave?
        var refusal = ""
        do {
            target = try place.open(step: step, generation: control.generation)
        } catch let error as CheckpointError {
            if case .superseded = error { throw error }
            refusal = error.description
        }
        let refusals = try communicator.gather(Array(refusal.utf8)).map { String(decoding: $0, as: UTF8.self) }
        refusal = refusals.first { !$0.isEmpty } ?? ""
        refusal = String(decoding: try communicator.broadcast(message: Array(refusal.utf8), from: 0), as: UTF8.self)
        if refusal.isEmpty { return target }
        if let target { place.abandon(target) }
        if communicator.rank == 0 { try control.checkpointDropped(stage, step: step, reason: refusal) }
        return nil
    }

    /// Hands over what all ranks have written, if they have; `step` steps are done. Collective while a save is being
    /// written, else free.
    func advance(at step: Int) throws {
        self.step = step
        guard let writing else { return }
        var done: [Float] = [writing.place.writer.isDone ? 1 : 0]
        try done.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
        if Int(done[0]) == communicator.size { _ = try handOver() }
    }

    /// Takes note of a publication that has ended. Not collective, and free while none is under way.
    func notice() throws {
        guard communicator.rank == 0 else { return }
        do throws(ControlError) {
            _ = try control.hasPublished()
        } catch {
            try tell(error)
        }
    }

    /// Waits until the save that was begun is published or given up. Collective. True on rank 0 if it was published, or
    /// none had been begun, and on the others if they have written their part.
    @discardableResult
    func finish() throws -> Bool {
        if writing != nil, try !handOver() { return false }
        guard communicator.rank == 0 else { return true }
        do throws(ControlError) {
            try control.awaitPublication()
            return true
        } catch {
            try tell(error)
            return false
        }
    }

    /// Saves the state and waits until it is published; tries again and again if it cannot be. Collective.
    ///
    /// For the end of a stage, where a checkpoint that is given up would cost the stage. Throws `checkpointFailed` on all
    /// ranks after the last try.
    func saveAtEnd(
        step: Int, metadata: [String: String], in place: any CheckpointPlace, retry: SaveRetry
    ) throws {
        for attempt in 1...retry.attempts {
            let isSaved = try begin(step: step, metadata: metadata, in: place) && finish()
            let verdict = try communicator.broadcast(message: [isSaved ? 1 : 0], from: 0)
            if verdict == [1] { return }
            guard attempt < retry.attempts else { break }
            Thread.sleep(forTimeInterval: retry.seconds)
        }
        throw ControlError.checkpointFailed(
            stage: stage, step: step, reason: "\(retry.attempts) attempts failed; the last checkpoint before it stays")
    }

    /// Gathers what the ranks report and has it published. False if a rank could not write; true on the others.
    private func handOver() throws -> Bool {
        guard let save = writing else { return true }
        let begun = ContinuousClock.now
        writing = nil
        // Names, headers and messages of hundreds of tensors are gone when this returns; so should their memory be.
        defer { SystemHeap.trim() }
        let gathered = try communicator.gather(Array(JSONEncoder().encode(save.place.writer.finish())))
        guard communicator.rank == 0 else { return true }
        let outcomes = try gathered.map { try JSONDecoder().decode(ShardWriter.Outcome.self, from: Data($0)) }
        let written: WrittenShards
        do throws(WrittenShards.Failure) {
            written = try WrittenShards(outcomes)
        } catch {
            save.place.abandon(save.target)
            try control.checkpointDropped(stage, step: save.target.step, reason: error.description)
            return false
        }
        let seconds = written.seconds
        let stall = save.stallSeconds + (ContinuousClock.now - begun) / .seconds(1)
        report(
            step,
            [
                (save.place.stallMetric, stall), ("checkpoint.write_seconds", seconds.total),
                ("checkpoint.hash_seconds", seconds.hashing),
                ("checkpoint.hash_wait_seconds", seconds.waitingForHash),
            ])
        try control.beginPublishing(
            CheckpointDraft(
                stage: stage, step: save.target.step, generation: save.target.generation, shards: written.shards,
                metadata: save.metadata, isOnNodes: save.place.isOnNodes))
        return true
    }

    /// A checkpoint that cannot be published is told; anything else ends the rank.
    private func tell(_ error: ControlError) throws {
        guard case .checkpointFailed = error else { throw error }
        try control.notice("\(error); training goes on")
    }
}

/// How often, and after how many seconds, the save at the end of a stage is tried again.
package struct SaveRetry: Sendable {
    /// The pause between two attempts.
    package var seconds = 10.0
    /// All attempts, the first included: half an hour of them.
    package var attempts = 180

    package init(seconds: Double = 10, attempts: Int = 180) {
        (self.seconds, self.attempts) = (seconds, attempts)
    }
}
