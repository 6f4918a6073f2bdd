import ArgumentParser
import Coordination
import Foundation
import Messaging

/// The latency of status queries to a live run.
struct StatusBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Ask a live run for its status many times and print the latencies.")

    @OptionGroup var argument: LiveRunArgument

    @Option(help: "Queries, one after the other on one connection.")
    var queries = 1000

    @Option(help: "Pause between two queries, milliseconds.")
    var pauseMilliseconds = 0

    func validate() throws {
        if queries < 1 { throw ValidationError("--queries \(queries) is less than 1") }
        if pauseMilliseconds < 0 { throw ValidationError("--pause-milliseconds \(pauseMilliseconds) is negative") }
    }

    func run() throws {
        let folder = try argument.folder()
        guard let coordinator = folder.liveCoordinator else { throw folder.noCoordinator }
        let client = try ControlClient(
            connectingTo: coordinator.endpoint, keys: coordinator.keys(for: .status))
        var milliseconds: [Double] = []
        for _ in 0..<queries {
            let start = ContinuousClock.now
            _ = try client.request(
                ClientMessage.control(request: .status), expecting: ServerMessage.self, timeoutMilliseconds: 5000)
            milliseconds.append((ContinuousClock.now - start) / .milliseconds(1))
            if pauseMilliseconds > 0 { usleep(UInt32(pauseMilliseconds) * 1000) }
        }
        milliseconds.sort()
        let line = Latencies(
            queries: queries, p50_ms: percentile(50, of: milliseconds), p99_ms: percentile(99, of: milliseconds),
            max_ms: percentile(100, of: milliseconds))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(line), as: UTF8.self))
    }

    private struct Latencies: Encodable {
        let queries: Int
        let p50_ms: Double
        let p99_ms: Double
        let max_ms: Double
    }

    /// The smallest value that `percent` per cent of the ascending values do not exceed.
    private func percentile(_ percent: Int, of values: [Double]) -> Double {
        values[max(0, (values.count * percent + 99) / 100 - 1)]
    }
}
