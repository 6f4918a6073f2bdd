import Coordination
import Foundation
import Journal
import Messaging
import Testing

extension ProgramTests {
    struct KeysTests {
        @Test("A run with keys trains off loopback, answers the holders of its keys, and nobody else")
        func keys() async throws {
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let made = try await sandbox.run("dmd2", ["keys", "new", "keys"])
            #expect(made.exitCode == 0, "\(made.errors)")
            let again = try await sandbox.run("dmd2", ["keys", "new", "keys"])
            #expect(again.exitCode == 73 && again.complaints.count == 1, "\(again.errors)")

            let program = try sandbox.start(
                "dmd2",
                ["run", sandbox.configuration, "--set", "coordinator.endpoint=tcp://0.0.0.0:*"]
                    + ["--set", "coordinator.address=127.0.0.1", "--set", "coordinator.keys=keys"])
            _ = try await eventually("a granted step") {
                (try? live.journal().plans())?.isEmpty == false ? live.address() : nil
            }

            let status = try await sandbox.run("dmd2", ["status", "--json", sandbox.runFolder])
            #expect(status.exitCode == 0 && status.output.contains(#""live":true"#), "\(status.errors)")
            let address = try #require(live.address())
            #expect(address.endpoint.hasPrefix("tcp://127.0.0.1:"))
            #expect(address.keys == sandbox.path("keys"))

            // No key, and a stranger's.
            let stranger = KeyFolder(sandbox.path("other"))
            try stranger.create()
            for keys in [nil, try stranger.clientKeys(.control)] {
                #expect(throws: MessagingError.noAnswer(endpoint: address.endpoint, timeoutMilliseconds: 500)) {
                    _ = try ControlClient(connectingTo: address.endpoint, keys: keys).request(
                        ClientMessage.control(request: .stop), expecting: ServerMessage.self, timeoutMilliseconds: 500)
                }
            }

            // A key that allows less.
            let mine = KeyFolder(sandbox.path("keys"))
            for role in [KeyRole.status, .worker] {
                let answer = try ControlClient(connectingTo: address.endpoint, keys: mine.clientKeys(role)).request(
                    ClientMessage.control(request: .stop), expecting: ServerMessage.self)
                guard case .control(.refused(let reason)) = answer else {
                    Issue.record("a \(role) key got \(answer)")
                    continue
                }
                #expect(reason.contains("the \(role.rawValue) key"))
            }
            let reader = KeyFolder(sandbox.path("reader"))
            try FileManager.default.createDirectory(atPath: reader.path, withIntermediateDirectories: false)
            for name in ["coordinator.public", "status.secret"] {
                try FileManager.default.copyItem(atPath: "\(mine.path)/\(name)", toPath: "\(reader.path)/\(name)")
            }
            let asked = try await sandbox.run(
                "env", ["DMD2_KEYS=\(reader.path)", Programs.path("dmd2"), "status", sandbox.runFolder])
            #expect(asked.exitCode == 0, "\(asked.errors)")
            let ordered = try await sandbox.run(
                "env", ["DMD2_KEYS=\(reader.path)", Programs.path("dmd2"), "stop", sandbox.runFolder])
            #expect(ordered.exitCode == Coordination.ExitStatus.refused.rawValue, "\(ordered)")
            #expect(
                ordered.complaints.count == 1 && ordered.errors.contains("status.secret alone"), "\(ordered.errors)")

            let stop = try await sandbox.run("dmd2", ["stop", sandbox.runFolder])
            #expect(stop.exitCode == 0, "\(stop.errors)")
            let outcome = try await sandbox.finish(program)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            let log = try String(contentsOfFile: "\(sandbox.runFolder)/logs/coordinator.log", encoding: .utf8)
            #expect(log.contains("a message that the status key does not allow"))
        }

        @Test("Nothing starts with keys that others can read, or off loopback without keys")
        func refused() async throws {
            let sandbox = try Sandbox()
            let keys = KeyFolder(sandbox.path("keys"))
            try keys.create()
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: "\(keys.path)/coordinator.secret")
            let exposed = try await sandbox.run(
                "dmd2", ["run", sandbox.configuration, "--set", "coordinator.keys=keys"])
            #expect(exposed.exitCode == 66)
            #expect(exposed.complaints.count == 1 && exposed.errors.contains("coordinator.secret has mode 0644"))
            let ranks = KeyFolder(sandbox.path("ranks"))
            try ranks.create()
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: "\(ranks.path)/worker.secret")
            let forRanks = try await sandbox.run(
                "dmd2", ["run", sandbox.configuration, "--set", "coordinator.keys=ranks"])
            #expect(forRanks.exitCode == 66)
            #expect(forRanks.complaints.count == 1 && forRanks.errors.contains("worker.secret has mode 0644"))
            let open = try await sandbox.run(
                "dmd2", ["run", sandbox.configuration, "--set", "coordinator.endpoint=tcp://0.0.0.0:5555"])
            #expect(open.exitCode == 78 && open.errors.contains("dmd2 keys new"), "\(open.errors)")
            #expect(!FileManager.default.fileExists(atPath: sandbox.runFolder))
        }

        @Test("A live run under hostile messages ends with the weights it would have had")
        func hostile() async throws {
            let arguments = ["--stop-after", "30", "--print-weights-hash"]
            let undisturbed = try await Sandbox().runWorkers(ranks: 1, arguments)
            let sandbox = try Sandbox()
            let live = LiveRun(folder: sandbox.runFolder)
            let program = try sandbox.start(
                "dmd2", ["run", sandbox.configuration, "--set", "run.folder=\(sandbox.runFolder)"] + arguments)
            let address = try await eventually("an address") { live.address() }

            let endpoint = try Endpoint(address.endpoint)
            let dealer = try DealerSocket(Context(), connectingTo: endpoint)
            for index in 0..<2000 {
                let stale = ClientMessage.worker(
                    envelope: .init(
                        generation: index.isMultiple(of: 2) ? 0 : 99, rank: 0,
                        message: .beginStage(
                            stage: .init(
                                name: "../..", index: -1, count: 0, goal: .studentUpdates(count: .max, ratio: 0),
                                checkpointInterval: .min, windowSteps: .max))))
                _ = try dealer.send(stale, timeoutMilliseconds: 1000)
                _ = try dealer.send([String: [Int]](uniqueKeysWithValues: [("worker", [index])]))
                _ = try dealer.send(String(repeating: "[", count: index))
                if index.isMultiple(of: 100) { try stranger(port: endpoint.port, index: index) }
                while try dealer.receive(ServerMessage.self, timeoutMilliseconds: 0) != nil {}
            }
            #expect(try live.status() != nil)
            let outcome = try await sandbox.finish(program)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(outcome.weights == undisturbed.weights && !undisturbed.weights.isEmpty)
        }

        /// Bytes that are no ZeroMQ, from a socket of its own: a greeting that never ends, or a frame of an absurd length.
        private func stranger(port: String, index: Int) throws {
            let descriptor = try LoopbackSocket.open(port: #require(UInt16(port))) { connect($0, $1, $2) }
            defer { close(descriptor) }
            let greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + [UInt8]("NULL".utf8)
            let bytes = index.isMultiple(of: 200) ? greeting + [UInt8](repeating: 0, count: 48) : greeting
            let frame: [UInt8] = [0x02] + [UInt8](repeating: 0xFF, count: 8)
            #expect(send(descriptor, bytes + frame, bytes.count + frame.count, Int32(MSG_NOSIGNAL)) > 0)
        }
    }
}
