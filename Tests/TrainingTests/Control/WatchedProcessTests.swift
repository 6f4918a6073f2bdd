import Foundation
import Testing
import Training

@Suite struct WatchedProcessTests {
    private func watched() throws -> WatchedProcess {
        WatchedProcess("this", try #require(ProcessIdentity(pid: getpid())))
    }

    @Test("A stop is ended when it has lasted three seconds, and again three seconds later")
    func patience() throws {
        var process = try watched()
        let due = (0...14).map { process.secondsStopped(isStopped: true, at: 10 + 0.5 * Double($0)) }
        #expect(due.indices.filter { due[$0] != nil } == [6, 13])
        #expect(due[6] == 3)
    }

    @Test("Stops that end by themselves are left alone, however many")
    func shortStops() throws {
        var process = try watched()
        for look in 0..<40 {
            #expect(process.secondsStopped(isStopped: look % 5 != 0, at: 0.5 * Double(look)) == nil)
        }
    }

    @Test("A process that SIGSTOP holds is seen as stopped and runs again once it is woken", .timeLimit(.minutes(1)))
    func wakes() async throws {
        let sleeper = Process()
        sleeper.executableURL = URL(filePath: "/bin/sleep")
        sleeper.arguments = ["60"]
        try sleeper.run()
        defer { sleeper.terminate() }
        let identity = try #require(ProcessIdentity(pid: sleeper.processIdentifier))
        var process = WatchedProcess("sleep", identity)
        #expect(!identity.isStopped && process.look(at: 0) == nil)

        kill(identity.pid, SIGSTOP)
        while !identity.isStopped { try await Task.sleep(for: .milliseconds(1)) }
        #expect(process.look(at: 1) == nil)
        #expect(identity.isStopped && identity.isAlive)
        #expect(process.look(at: 4) == 3)
        while identity.isStopped { try await Task.sleep(for: .milliseconds(1)) }
        #expect(identity.isAlive)
    }

    @Test("Another process with the same number is another process")
    func identity() throws {
        let own = try #require(ProcessIdentity(pid: getpid()))
        let json = String(decoding: try JSONEncoder().encode(own), as: UTF8.self)
        let changed = json.replacingOccurrences(of: "\(own.startTicks)", with: "\(own.startTicks - 1)")
        let other = try JSONDecoder().decode(ProcessIdentity.self, from: Data(changed.utf8))
        #expect(own.isAlive && !other.isAlive)
        #expect(ProcessIdentity(pid: 0) == nil)
    }
}
