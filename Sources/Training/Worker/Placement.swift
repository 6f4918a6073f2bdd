import Foundation
import Kernels

/// Where a rank runs, said once at its start: too few cores for its threads is the commonest cause of a slow run.
struct Placement: CustomStringConvertible {
    private let rank: Int, ranks: Int, threads: Int
    private let precision: PrecisionConfiguration

    init(rank: Int, of ranks: Int, threads: Int, _ precision: PrecisionConfiguration) {
        (self.rank, self.ranks, self.threads, self.precision) = (rank, ranks, threads, precision)
    }

    var description: String {
        let roles = [("teacher", precision.teacher), ("student", precision.student), ("critic", precision.critic)]
            .map { "\($0) \($1.rawValue)" }.joined(separator: ", ")
        return "rank \(rank) of \(ranks) on \(ProcessInfo.processInfo.hostName): \(threads) threads, may run on cores "
            + "\(allowedCores), \(Processor.builtFor); \(roles)"
    }

    /// The cores the process may run on, as the kernel lists them: `0-1,4`.
    private var allowedCores: String {
        let key = "Cpus_allowed_list:"
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return "unknown" }
        return line.dropFirst(key.count).trimmingCharacters(in: .whitespaces)
    }
}
