import COpenMPI
import Glibc

/// All the processes of one `mpirun`, over Open MPI. Owns the library: there is one per process, once.
///
/// Threading: confined to the thread that made it (`MPI_THREAD_FUNNELED`); a call from another one traps.
package final class MPICommunicator: Communicator {
    package let rank: Int
    package let size: Int
    package let collectives = CollectiveCounter()
    private let world: MPI_Comm
    private let owner = pthread_self()
    /// MPI counts are `Int32`. Larger buffers travel in pieces of at most this many elements.
    private let pieceCount: Int

    /// Whether this process was started by a launcher such as `mpirun`. Without one, use `SelfCommunicator`, which
    /// spares the daemon that Open MPI would start for a single process.
    package static var isLaunched: Bool {
        ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"].contains { (name: String) in getenv(name) != nil }
    }

    /// Initialises MPI, which waits for the other processes of the job.
    package convenience init() throws(CommunicationError) {
        try self.init(pieceCount: Int(Int32.max))
    }

    /// Initialises MPI with a smaller limit on one message, so that a test can afford several pieces.
    package init(pieceCount: Int) throws(CommunicationError) {
        precondition(
            (1...Int(Int32.max)).contains(pieceCount), "MPI: \(pieceCount) elements a piece, the limit is \(Int32.max)")
        var provided: Int32 = 0
        var rank: Int32 = 0
        var size: Int32 = 0
        let world: MPI_Comm = shim_mpi_comm_world()
        // Until the handler is set, Open MPI ends the process on an error by itself, with its own message.
        let code = MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided)
        guard code == MPI_SUCCESS, provided >= Int32(MPI_THREAD_FUNNELED) else {
            throw CommunicationError(
                operation: "MPI start", rank: 0, size: 0,
                reason: "MPI_Init_thread returned \(code) and thread level \(provided)")
        }
        MPI_Comm_set_errhandler(world, shim_mpi_errors_return())
        MPI_Comm_rank(world, &rank)
        MPI_Comm_size(world, &size)
        self.rank = Int(rank)
        self.size = Int(size)
        self.world = world
        self.pieceCount = pieceCount
    }

    /// Leaves the job in good order; the last call.
    ///
    /// There is no finalisation in `deinit`: when a rank gives up because of an error the others may be waiting for it
    /// inside another operation. A process that ends without `finish` counts as failed, and `mpirun` ends the others.
    package func finish() throws(CommunicationError) {
        try check("MPI finish", MPI_Finalize())
    }

    package func abort(code: Int32) -> Never {
        MPI_Abort(world, code)
        exit(code)
    }

    /// Calls MPI, and throws what it reports. Traps before the call on another thread than the one that started MPI, which
    /// was told that only that one would come.
    private func check(_ operation: String, _ call: @autoclosure () -> Int32) throws(CommunicationError) {
        precondition(
            pthread_equal(owner, pthread_self()) != 0, "\(operation): MPI belongs to the thread that started it")
        let code = call()
        guard code != MPI_SUCCESS else { return }
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_ERROR_STRING)) { text in
            var length: Int32 = 0
            guard MPI_Error_string(code, text.baseAddress, &length) == MPI_SUCCESS else { return "MPI error \(code)" }
            return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        throw CommunicationError(operation: operation, rank: rank, size: size, reason: reason)
    }

    /// Calls `body` for consecutive ranges that cover `0..<count`, none longer than one MPI message may be.
    private func forEachPiece(
        of count: Int, _ body: (_ start: Int, _ count: Int32) throws(CommunicationError) -> Void
    ) throws(CommunicationError) {
        var start = 0
        while start < count {
            let length = min(pieceCount, count - start)
            try body(start, Int32(length))
            start += length
        }
    }
}

// MARK: Collectives

extension MPICommunicator {
    package func barrier() throws(CommunicationError) {
        collectives.enter()
        try check("barrier", MPI_Barrier(world))
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(CommunicationError) {
        collectives.enter()
        guard let base = bytes.baseAddress else { return }
        try forEachPiece(of: bytes.count) { (start, count) throws(CommunicationError) in
            try check("broadcast", MPI_Bcast(base + start, count, shim_mpi_byte(), Int32(root), world))
        }
    }

    package func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>) throws(CommunicationError) {
        collectives.enter()
        guard let base = values.baseAddress else { return }
        try forEachPiece(of: values.count) { (start, count) throws(CommunicationError) in
            try check(
                "all-reduce",
                MPI_Allreduce(shim_mpi_in_place(), base + start, count, shim_mpi_float(), shim_mpi_sum(), world))
        }
    }

    package func allGather(_ values: UnsafeMutableBufferPointer<Float>, counts: [Int]) throws(CommunicationError) {
        precondition(counts.count == size, "all-gather: \(counts.count) counts for \(size) ranks")
        precondition(
            counts.reduce(0, +) == values.count, "all-gather: counts \(counts) for \(values.count) elements")
        collectives.enter()
        guard values.count > pieceCount else { return try allGatherAtOnce(values, counts: counts) }
        var start = 0
        for (root, count) in counts.enumerated() {
            try broadcast(UnsafeMutableBufferPointer(rebasing: values[start..<start + count]), from: root)
            start += count
        }
    }

    private func allGatherAtOnce(
        _ values: UnsafeMutableBufferPointer<Float>, counts: [Int]
    ) throws(CommunicationError) {
        func gathered() -> Int32 {
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * size) { layout in
                var start: Int32 = 0
                for (peer, count) in counts.enumerated() {
                    layout[peer] = Int32(count)
                    layout[size + peer] = start
                    start += Int32(count)
                }
                let displacements = layout.baseAddress.map { $0 + size }
                return MPI_Allgatherv(
                    shim_mpi_in_place(), 0, shim_mpi_float(), values.baseAddress, layout.baseAddress, displacements,
                    shim_mpi_float(), world)
            }
        }
        try check("all-gather", gathered())
    }
}

// MARK: Messages between two ranks

extension MPICommunicator {
    package func exchange(sending: [Transfer], receiving: [Transfer]) throws(CommunicationError) {
        collectives.enter()
        let requestCount = requestCount(of: sending) + requestCount(of: receiving)
        let outcome = withUnsafeTemporaryAllocation(of: MPI_Request?.self, capacity: requestCount) { requests in
            Result { () throws(CommunicationError) in
                requests.initialize(repeating: nil)
                var posted = 0
                // Receives first: an arriving message then finds its destination, and is not copied twice.
                try post(receiving, "receive", &posted, requests) { base, count, peer, request in
                    MPI_Irecv(base, count, shim_mpi_float(), peer, 0, world, request)
                }
                try post(sending, "send", &posted, requests) { base, count, peer, request in
                    MPI_Isend(base, count, shim_mpi_float(), peer, 0, world, request)
                }
                try check(
                    "exchange", MPI_Waitall(Int32(requestCount), requests.baseAddress, shim_mpi_statuses_ignore()))
            }
        }
        try outcome.get()
    }

    private func requestCount(of transfers: [Transfer]) -> Int {
        transfers.reduce(0) { $0 + ($1.values.count + pieceCount - 1) / pieceCount }
    }

    private func post(
        _ transfers: [Transfer], _ operation: String, _ posted: inout Int,
        _ requests: UnsafeMutableBufferPointer<MPI_Request?>,
        _ start: (UnsafeMutablePointer<Float>, Int32, Int32, UnsafeMutablePointer<MPI_Request?>) -> Int32
    ) throws(CommunicationError) {
        for transfer in transfers {
            precondition(transfer.peer != rank, "exchange: rank \(rank) with itself")
            guard let base = transfer.values.baseAddress, let requests = requests.baseAddress else { continue }
            try forEachPiece(of: transfer.values.count) { (offset, count) throws(CommunicationError) in
                try check(operation, start(base + offset, count, Int32(transfer.peer), requests + posted))
                posted += 1
            }
        }
    }

    package func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
        collectives.enter()
        var bytes = bytes
        guard rank == 0 else {
            var byteCount = Int64(bytes.count)
            try withBytes(of: &byteCount) { (header) throws(CommunicationError) in try send(header, to: 0) }
            try withBytes(of: &bytes) { (body) throws(CommunicationError) in try send(body, to: 0) }
            return []
        }
        var all = [bytes]
        for peer in 1..<max(size, 1) {
            var byteCount: Int64 = 0
            try withBytes(of: &byteCount) { (header) throws(CommunicationError) in try receive(header, from: peer) }
            var body = [UInt8](repeating: 0, count: Int(byteCount))
            try withBytes(of: &body) { (body) throws(CommunicationError) in try receive(body, from: peer) }
            all.append(body)
        }
        return all
    }

    private func send(_ bytes: UnsafeMutableRawBufferPointer, to peer: Int) throws(CommunicationError) {
        guard let base = bytes.baseAddress else { return }
        try forEachPiece(of: bytes.count) { (start, count) throws(CommunicationError) in
            try check("send", MPI_Send(base + start, count, shim_mpi_byte(), Int32(peer), 0, world))
        }
    }

    private func receive(_ bytes: UnsafeMutableRawBufferPointer, from peer: Int) throws(CommunicationError) {
        guard let base = bytes.baseAddress else { return }
        try forEachPiece(of: bytes.count) { (start, count) throws(CommunicationError) in
            try check(
                "receive",
                MPI_Recv(base + start, count, shim_mpi_byte(), Int32(peer), 0, world, shim_mpi_status_ignore()))
        }
    }
}
