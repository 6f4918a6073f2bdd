import Communication
import Testing

struct InProcessCommunicatorTests {
    @Test("Every operation gives each rank what it is owed", arguments: 1...4)
    func operations(rankCount: Int) throws {
        let faults = try InProcessCommunicator.run(rankCount: rankCount) { try collectiveFaults($0) }
        #expect(faults.flatMap { $0 } == [])
    }

    @Test("When a rank throws, the others stop waiting and its error is the one reported")
    func failure() {
        struct Interruption: Error {}
        #expect(throws: Interruption.self) {
            _ = try InProcessCommunicator.run(rankCount: 3) { communicator in
                if communicator.rank == 1 { throw Interruption() }
                try communicator.barrier()
            }
        }
    }

    @Test("A group of one needs no launcher")
    func alone() throws {
        #expect(try collectiveFaults(SelfCommunicator()) == [])
    }

    @Test("An error is one line that says what, where and what to do")
    func errorText() {
        let error = CommunicationError(operation: "broadcast", rank: 1, size: 4, reason: "MPI_ERR_TRUNCATE")
        #expect(error.description.contains("broadcast failed on rank 1 of 4: MPI_ERR_TRUNCATE"))
        #expect(!error.description.contains("\n"))
    }
}
