import Communication
import Foundation
import Testing

/// The same laws over real MPI: this test bundle is started again under `mpirun`, where only `MPIRankTests` runs.
@Suite(.serialized)
struct MPITests {
    @Test("Under mpirun every operation works and the stable sum has the naive tree's bits", arguments: 1...4)
    func ranks(rankCount: Int) throws {
        let job = Process()
        job.executableURL = URL(filePath: "/usr/bin/env")
        // Reading another process's memory is forbidden in some containers; MPI then copies through shared memory.
        let settings = ["--mca", "btl_vader_single_copy_mechanism", "none", "--bind-to", "none"]
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        job.arguments =
            ["mpirun", "--oversubscribe", "-n", "\(rankCount)"] + settings
            + [bundle, "--testing-library", "swift-testing", "--filter", "CommunicationTests.MPIRankTests"]
        job.environment = ProcessInfo.processInfo.environment.merging([
            "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            MPIRankTests.rankCountVariable: "\(rankCount)",
        ]) { $1 }
        let output = Pipe()
        job.standardOutput = output
        job.standardError = output
        try job.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        job.waitUntilExit()
        #expect(job.terminationStatus == 0, "\(text)")
        #expect(text.components(separatedBy: "[rank passed]").count == rankCount + 1, "\(text)")
    }
}

/// What one rank does. It is one test because MPI starts once in a process and stays on one thread.
struct MPIRankTests {
    static let rankCountVariable = "DMD2_TEST_MPI_RANKS"
    static let expectedRankCount = ProcessInfo.processInfo.environment[rankCountVariable].flatMap(Int.init)

    @Test(
        "One rank of an MPI job", .enabled(if: expectedRankCount != nil, "the test of MPI jobs starts it under mpirun"))
    func rank() throws {
        // Five elements a message: every larger buffer travels in several pieces.
        let communicator = try MPICommunicator(pieceCount: 5)
        #expect(MPICommunicator.isLaunched)
        #expect(communicator.size == Self.expectedRankCount)
        #expect(try collectiveFaults(communicator) == [])
        for elementCount in [3, 333] {
            let expected = ShardGradients.naiveSum(step: 0, shards: 0..<8, elementCount: elementCount)
            let stable = TreeReduction(communicator: communicator, shardCount: 8, elementCount: elementCount)
            #expect(try ShardGradients.reduce(step: 0, with: stable) == expected)
        }
        try communicator.finish()
        print("[rank passed]")
    }
}
