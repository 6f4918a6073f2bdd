import Coordination
import Foundation
import Testing

extension ProgramTests {
    /// What a launch needs is said, and refused where there is not enough of it, before it is launched.
    struct PlanTests {
        /// What `bench kernels --json` prints, as far as a plan reads it.
        private static let rates: String = {
            let kernels = [
                "convolution forward", "convolution backward data", "convolution backward weights",
                "self-attention forward", "self-attention backward", "matrix product", "packing forward",
                "packing backward", "norm, modulation, SiLU forward", "norm, modulation, SiLU backward", "add", "AdamW",
            ]
            let rows = kernels.map { kernel in
                """
                {"kernel": "\(kernel)", "shape": "", "precision": "float32", "milliseconds": 1, "rate": 10,
                 "unit": "", "share_of_peak": 1}
                """
            }
            return """
                {"threads": 1, "batch": 4, "kernels": [\(rows.joined(separator: ","))],
                 "peak": {"float32_gflops": 10, "bfloat16_source": "", "memory_gigabytes_per_second": 10}}
                """
        }()

        @Test("A plan has a row for every number of ranks, and the memory of every network")
        func plan() async throws {
            let sandbox = try Sandbox()
            try sandbox.write(Self.rates, to: "rates.json")
            let outcome = try await sandbox.run(
                "dmd2", ["plan", sandbox.configuration, "--ranks", "1,2", "--rates", "rates.json", "--json"])
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            let plan = try #require(object as? [String: Any])
            let launches = try #require(plan["launches"] as? [[String: Any]])
            #expect(launches.map { $0["ranks"] as? Int } == [1, 2])
            #expect(launches.allSatisfy { $0["fits"] as? Bool == true && $0["cycle_seconds"] as? Double ?? 0 > 0 })
            let memory = try #require(plan["memory"] as? [[String: Any]])
            #expect(Set(memory.compactMap { $0["network"] as? String }) == ["teacher", "student", "critic", ""])

            let table = try await sandbox.run(
                "dmd2",
                ["plan", sandbox.configuration, "--rates", "rates.json", "--cores", "1", "--ranks-per-node", "2"])
            #expect(table.exitCode == 0 && table.output.contains("efficiency"), "\(table)")
            #expect(table.output.contains("With 2, 4 ranks a node has more threads than cores (1)"), "\(table)")
        }

        @Test("A plan that does not fit is printed and ends with 69")
        func shortage() async throws {
            let sandbox = try Sandbox()
            try sandbox.write(Self.rates, to: "rates.json")
            let outcome = try await sandbox.run(
                "dmd2",
                ["plan", sandbox.configuration, "--ranks", "2", "--rates", "rates.json", "--memory-gib", "0.01"])
            #expect(outcome.exitCode == Coordination.ExitStatus.unavailable.rawValue)
            #expect(outcome.output.contains("NO"), "\(outcome.output)")
            #expect(outcome.complaints.count == 1 && outcome.errors.contains("launch.memoryGiB"), "\(outcome.errors)")
        }

        @Test("Rates that are missing or no rates")
        func badRates() async throws {
            let sandbox = try Sandbox()
            let plan = ["plan", sandbox.configuration, "--rates"]
            #expect(
                try await sandbox.run("dmd2", plan + ["no.json"]).exitCode
                    == Coordination.ExitStatus.inputMissing.rawValue)
            #expect(
                try await sandbox.run("dmd2", plan + ["tiny.yaml"]).exitCode
                    == Coordination.ExitStatus.badData.rawValue)
        }

        @Test("The cycle of a benchmark is shared by ranks that mpirun starts")
        func benchmark() async throws {
            let sandbox = try Sandbox()
            let outcome = try await sandbox.run(
                "dmd2",
                [
                    "bench", "step", sandbox.configuration, "--ranks", "2", "--reduction", "fast", "--cycles", "1",
                    "--warmup", "0", "--threads", "1",
                ])
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            let line = try #require(object as? [String: Any])
            #expect(line["ranks"] as? Int == 2 && line["shards"] as? Int == 4)
            #expect(line["reduction"] as? String == "fast")
        }
    }
}
