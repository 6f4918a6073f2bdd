import Foundation
import Kernels
import Testing

/// Our forward passes, losses, gradients and updates against the official PyTorch implementation's.
@Suite(.serialized)
struct FixtureTests {
    @Test("The folder of fixtures is not empty")
    func folder() {
        #expect(!Fixture.names.isEmpty, "no fixture in \(Fixture.folder.path)")
    }

    @Test("A run equals the official implementation's to float32 accuracy", arguments: Fixture.names)
    func run(name: String) {
        // The suites run side by side: one core each.
        ThreadPool.configure(threadCount: 1)
        do {
            let fixture = try Fixture(named: name)
            var run = try FixtureRun(fixture)
            try run.run()
            let comparison = run.comparison
            print("fixture \(name): \(comparison.failures.isEmpty ? "passed" : "FAILED"), \(comparison.summary)")
            if !comparison.failures.isEmpty {
                let first = comparison.failures.prefix(5).joined(separator: "; ")
                Issue.record("fixture \(name): \(comparison.failures.count) comparisons failed, the first: \(first)")
            }
        } catch {
            print("fixture \(name): FAILED, \(error)")
            Issue.record("fixture \(name): \(error)")
        }
    }
}
