import Checkpoints

/// What all ranks together have written for one checkpoint.
struct WrittenShards {
    /// Every rank's own share, in rank order.
    let shards: [ShardRecord]
    /// What the rank took that was slowest.
    let seconds: WritingSeconds

    /// Why there is no checkpoint.
    enum Failure: Error, CustomStringConvertible, Equatable {
        /// A rank could not write.
        case notWritten(rank: Int, reason: String)
        /// Two ranks that should hold the same state do not: memory or a processor has failed.
        case copyDiffers(rank: Int, of: Int)

        var description: String {
            switch self {
            case .notWritten(let rank, let reason): "rank \(rank): \(reason)"
            case .copyDiffers(let rank, let owner):
                "rank \(rank) holds other values than rank \(owner) of the same state: check the memory of their machines"
            }
        }
    }

    /// Looks through the ranks' reports, in rank order. Copies are compared with what they are copies of.
    init(_ outcomes: [ShardWriter.Outcome]) throws(Failure) {
        var own: [ShardRecord] = []
        var copies: [(rank: Int, record: ShardRecord)] = []
        var slowest = WritingSeconds()
        for (rank, outcome) in outcomes.enumerated() {
            switch outcome {
            case .failed(let reason): throw .notWritten(rank: rank, reason: reason)
            case .written(let records, let seconds):
                own += records.filter { $0.rank == rank }
                copies += records.filter { $0.rank != rank }.map { (rank, $0) }
                if seconds.total >= slowest.total { slowest = seconds }
            }
        }
        for (rank, copy) in copies where own[copy.rank].fingerprint != copy.fingerprint {
            throw .copyDiffers(rank: rank, of: copy.rank)
        }
        (shards, seconds) = (own, slowest)
    }
}
