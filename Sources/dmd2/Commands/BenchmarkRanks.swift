import Coordination
import Foundation
import Subprocess
import SystemPackage
import Training

/// The processes of a benchmark: this program under mpirun, on this machine.
enum BenchmarkRanks {
    /// Runs `dmd2 bench ARGUMENTS` as so many ranks, to their end. What they print is this program's output.
    ///
    /// - Throws: a `CommandFailure` if mpirun is missing or a rank fails.
    static func run(_ arguments: [String], ranks: Int, threadsPerRank: Int) async throws {
        guard let mpirun = MPILaunch.findProgram("mpirun") else {
            throw CommandFailure(.unavailable, "mpirun not found: install it (apt-get install openmpi-bin)")
        }
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let launch = MPILaunch.arguments(ranks: ranks, threadsPerRank: threadsPerRank)
        let result = try await Subprocess.run(
            .path(FilePath(mpirun)), arguments: Arguments(launch + [own, "bench"] + arguments),
            environment: .inherit.updating(["OMP_NUM_THREADS": "\(threadsPerRank)"]), input: .none,
            output: .currentStandardOutput, error: .currentStandardError)
        guard result.terminationStatus.isSuccess else {
            throw CommandFailure(.unexpectedFailure, "the ranks of the benchmark failed: \(result.terminationStatus)")
        }
    }
}
