import Coordination
import Foundation
import Testing

extension ProgramTests {
    struct PagesTests {
        @Test("A live run serves its pages, and events are followed to its end")
        func pages() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let made = try await sandbox.run("dmd2", ["keys", "new", "keys"])
            #expect(made.exitCode == 0, "\(made.errors)")
            let program = try sandbox.start(
                "dmd2",
                ["run", sandbox.configuration, "--set", "coordinator.httpEndpoint=127.0.0.1:*"]
                    + ["--set", "coordinator.httpToken=keys/http.token"])
            let address = try await eventually("an address") { live.address() }
            let port = try #require(address.http?.split(separator: ":").last.flatMap { UInt16($0) })
            let follower = try sandbox.start("dmd2", ["events", "--follow", "--json", sandbox.runFolder])

            let ready = try await eventually("readiness") {
                let answer = try WebPage(port: port, path: "/readyz")
                return answer.code == 200 ? answer : nil
            }
            #expect(ready.body == "ok\n")
            #expect(try WebPage(port: port, path: "/healthz").code == 200)
            #expect(try WebPage(port: port, path: "/metrics").code == 401)
            let token = try String(contentsOfFile: sandbox.path("keys/http.token"), encoding: .utf8)
                .trimmingCharacters(in: .newlines)
            let metrics = try WebPage(port: port, path: "/metrics", token: token)
            #expect(metrics.code == 200 && metrics.body.contains("dmd2_world_size 2\n"), "\(metrics)")
            let status = try WebPage(port: port, path: "/status", token: token)
            #expect(status.code == 200 && status.body.contains(#""state":"running""#), "\(status)")

            let stop = try await sandbox.run("dmd2", ["stop", sandbox.runFolder])
            #expect(stop.exitCode == 0, "\(stop.errors)")
            let outcome = try await sandbox.finish(program)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            let followed = try await sandbox.finish(follower)
            #expect(followed.exitCode == 0, "\(followed.errors)")
            let listed = try await sandbox.run("dmd2", ["events", "--json", sandbox.runFolder])
            #expect(followed.output == listed.output)
            #expect(followed.output.contains(#""kind":"stop_asked""#))
        }

        @Test("A port that is taken ends the start with one line, before anything is written")
        func portTaken() async throws {
            let sandbox = try Sandbox()
            let holder = try PortHolder()
            let outcome = try await sandbox.run(
                "dmd2", ["run", sandbox.configuration, "--set", "coordinator.httpEndpoint=127.0.0.1:\(holder.port)"])
            #expect(outcome.exitCode == 69)
            #expect(outcome.complaints.count == 1 && outcome.errors.contains("127.0.0.1:\(holder.port)"))
            #expect(!FileManager.default.fileExists(atPath: sandbox.runFolder))
        }
    }
}
