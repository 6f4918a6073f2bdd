import Glibc
import Synchronization

/// A group of threads of this process that behaves as an MPI job would, for tests.
package final class InProcessCommunicator: Communicator {
    package let rank: Int
    package let size: Int
    package let collectives = CollectiveCounter()
    private let meeting: MeetingPoint

    private init(rank: Int, meeting: MeetingPoint) {
        self.rank = rank
        self.size = meeting.size
        self.meeting = meeting
    }

    /// Runs `body` once per rank, each on a thread of its own, and returns the results in rank order.
    ///
    /// When a rank throws, the operations the others are waiting in throw too, and the first error is rethrown here.
    package static func run<Output: Sendable>(
        rankCount: Int, _ body: @escaping @Sendable (InProcessCommunicator) throws -> Output
    ) throws -> [Output] {
        precondition(rankCount > 0, "in-process group: \(rankCount) ranks")
        let meeting = MeetingPoint(size: rankCount)
        let outcomes = Outcomes<Output>()
        let threads = (0..<rankCount).map { rank in
            startThread {
                let communicator = InProcessCommunicator(rank: rank, meeting: meeting)
                let outcome = Result { try body(communicator) }
                // Noted before the others hear of it: their errors are consequences.
                outcomes.append(outcome, rank: rank)
                if case .failure = outcome { meeting.close() }
            }
        }
        for thread in threads { pthread_join(thread, nil) }
        return try outcomes.inRankOrder()
    }

    package func barrier() throws(CommunicationError) {
        _ = try meet("barrier", Offer())
    }

    package func finish() throws(CommunicationError) {
        _ = try meet("finish", Offer())
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(CommunicationError) {
        let offers = try meet("broadcast", Offer(bytes: bytes))
        if rank != root { bytes.copyMemory(from: UnsafeRawBufferPointer(offers[root].bytes)) }
        try barrier()
    }

    package func allGather(_ values: UnsafeMutableBufferPointer<Float>, counts: [Int]) throws(CommunicationError) {
        let offers = try meet("all-gather", Offer(bytes: UnsafeMutableRawBufferPointer(values)))
        var start = 0
        for (peer, count) in counts.enumerated() {
            let part = start..<start + count
            let theirs = offers[peer].bytes.bindMemory(to: Float.self)
            if peer != rank { _ = values[part].update(fromContentsOf: theirs[part]) }
            start += count
        }
        try barrier()
    }

    package func exchange(sending: [Transfer], receiving: [Transfer]) throws(CommunicationError) {
        let offers = try meet("exchange", Offer(transfers: sending))
        var waiting = offers.map { offer in offer.transfers.filter { $0.peer == rank }[...] }
        for transfer in receiving {
            precondition(transfer.peer != rank, "exchange: rank \(rank) with itself")
            guard let source = waiting[transfer.peer].popFirst() else {
                preconditionFailure("exchange: rank \(transfer.peer) sends less than rank \(rank) expects")
            }
            precondition(
                source.values.count == transfer.values.count,
                "exchange: \(source.values.count) elements sent, \(transfer.values.count) expected")
            _ = transfer.values.update(fromContentsOf: source.values)
        }
        precondition(waiting.allSatisfy(\.isEmpty), "exchange: more was sent to rank \(rank) than it expects")
        try barrier()
    }

    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CommunicationError) {
        let offers = try meet("all-reduce", Offer(bytes: UnsafeMutableRawBufferPointer(values)))
        var sum = [Float](repeating: 0, count: values.count)
        for offer in offers {
            for (index, value) in offer.bytes.bindMemory(to: Float.self).enumerated() { sum[index] += value }
        }
        try barrier()
        _ = values.update(fromContentsOf: sum)
    }

    package func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        let offers = try meet("gather", Offer(message: bytes))
        return rank == 0 ? offers.map(\.message) : []
    }

    package func abort(code: Int32) -> Never { exit(code) }

    private func meet(_ operation: String, _ offer: Offer) throws(CommunicationError) -> [Offer] {
        collectives.enter()
        guard let offers = meeting.meet(rank: rank, offer: offer) else {
            throw CommunicationError(operation: operation, rank: rank, size: size, reason: "another rank gave up")
        }
        return offers
    }
}

/// What a rank shows the others for the time of one operation.
private struct Offer {
    var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    var transfers: [Transfer] = []
    var message: [UInt8] = []
}

/// Where all ranks wait for each other.
///
/// `@unchecked Sendable`: every stored variable is read and written under `mutex`.
private final class MeetingPoint: @unchecked Sendable {
    let size: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let everyoneHere = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var arriving: [Offer]
    private var shown: [Offer] = []
    private var arrivedCount = 0
    private var round = 0
    private var isClosed = false

    init(size: Int) {
        self.size = size
        arriving = Array(repeating: Offer(), count: size)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(everyoneHere, nil)
    }

    deinit {
        pthread_cond_destroy(everyoneHere)
        pthread_mutex_destroy(mutex)
        everyoneHere.deallocate()
        mutex.deallocate()
    }

    /// Waits for all ranks and returns their offers, or nil once a rank has given up.
    func meet(rank: Int, offer: Offer) -> [Offer]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let thisRound = round
        arriving[rank] = offer
        arrivedCount += 1
        if arrivedCount == size {
            shown = arriving
            arrivedCount = 0
            round += 1
            pthread_cond_broadcast(everyoneHere)
        }
        while round == thisRound && !isClosed { pthread_cond_wait(everyoneHere, mutex) }
        // A round that was completed counts, even if somebody has given up since.
        return round == thisRound ? nil : shown
    }

    func close() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isClosed = true
        pthread_cond_broadcast(everyoneHere)
    }
}

/// The results of the ranks, in the order in which they end.
private final class Outcomes<Output: Sendable>: Sendable {
    private let finished = Mutex<[(rank: Int, outcome: Result<Output, any Error>)]>([])

    func append(_ outcome: Result<Output, any Error>, rank: Int) {
        finished.withLock { $0.append((rank, outcome)) }
    }

    /// The first error is the one to report: those after it are its consequences.
    func inRankOrder() throws -> [Output] {
        let all = finished.withLock { $0 }
        for entry in all { if case .failure(let error) = entry.outcome { throw error } }
        return try all.sorted { $0.rank < $1.rank }.map { try $0.outcome.get() }
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ run: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    let body = Unmanaged.passRetained(ThreadBody(run)).toOpaque()
    let code = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, body)
    precondition(code == 0, "in-process group: a thread could not be started, error \(code)")
    return thread
}
