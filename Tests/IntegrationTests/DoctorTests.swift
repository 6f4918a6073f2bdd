import Coordination
import Foundation
import Testing

extension ProgramTests {
    /// A configuration is looked at before a run, and a GAN weight found, without writing anything.
    struct DoctorTests {
        private struct Finding: Decodable {
            let outcome: String
            let name: String
            let measured: String
            let advice: String?
        }

        @Test("A sound configuration ends with 0: a line for each check, or a list of objects")
        func sound() async throws {
            let sandbox = try Sandbox()
            let doctor = ["doctor", sandbox.configuration, "--set", "launch.memoryGiB=4"]
            let text = try await sandbox.run("dmd2", doctor)
            #expect(text.exitCode == 0 && text.errors.isEmpty, "\(text)")
            let lines = text.output.split(separator: "\n")
            #expect(lines.first == "ok       run folder         \(sandbox.runFolder) is free")
            #expect(lines.contains { $0.hasPrefix("ok       labels             1,797 images, labels 0 to 9, ") })
            #expect(lines.contains { $0.hasPrefix("skipped  teacher            \(sandbox.runFolder) holds no ") })

            let json = try await sandbox.run("dmd2", doctor + ["--json"])
            let findings = try JSONDecoder().decode([Finding].self, from: Data(json.output.utf8))
            #expect(json.exitCode == 0 && findings.count == lines.count && json.output.contains(#""advice":null"#))
            #expect(!FileManager.default.fileExists(atPath: sandbox.runFolder))
        }

        @Test("A check that fails says what to do, and the command ends with 78 and one line that names it")
        func failing() async throws {
            let sandbox = try Sandbox()
            let outcome = try await sandbox.run(
                "dmd2",
                ["doctor", sandbox.configuration, "--set", "distil.studentSigmas=[100]"])
            #expect(outcome.exitCode == Coordination.ExitStatus.badConfiguration.rawValue)
            #expect(outcome.complaints == ["dmd2: 1 of 9 checks failed: noise levels"], "\(outcome.errors)")
            let line = outcome.output.split(separator: "\n").first { $0.hasPrefix("FAILED") }
            #expect(line?.contains("100 is outside – no network is trained there") == true, "\(outcome.output)")
        }

        @Test("Calibration tells its progress and both ratios, and leaves the run as it was")
        func calibrate() async throws {
            let sandbox = try Sandbox()
            let settings = ["--set", "teacher.steps=8", "--set", "distil.ratio=2"]
            let trained = try await sandbox.run(
                "dmd2", ["run", sandbox.configuration, "--until", "teacher"] + settings)
            #expect(trained.exitCode == 0, "\(trained.errors)")
            let before = try sandbox.contents()
            let calibrate = ["calibrate", sandbox.configuration, "--updates", "2", "--fraction", "0.3"] + settings
            let text = try await sandbox.run("dmd2", calibrate)
            #expect(text.exitCode == 0, "\(text)")
            #expect(text.errors.hasPrefix("[1/4] calibrate, ganWeight 0.04, step 1/7"), "\(text.errors)")
            #expect(text.output.hasPrefix("proposed    distil.ganWeight "), "\(text.output)")
            #expect(text.output.contains("\nconfigured  distil.ganWeight 0.04: GAN/DM gradient "), "\(text.output)")

            let json = try await sandbox.run("dmd2", calibrate + ["--json"])
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
            let result = try #require(object as? [String: Any])
            #expect(result["fraction"] as? Double == 0.3 && result["configured_gan_weight"] as? Double == 0.04)
            #expect(result["gan_weight"] is Double && result["gradient_ratio"] is Double)
            #expect(try sandbox.contents() == before)
        }
    }
}
