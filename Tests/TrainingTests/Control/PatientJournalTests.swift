import Coordination
import Journal
import Synchronization
import Testing
import Training

struct PatientJournalTests {
    /// A disk that is full for a while.
    private final class Disk: Sendable {
        let state = Mutex((code: Int32?.none, written: [JournalEntry]()))

        func write(_ entry: JournalEntry) throws(JournalError) {
            let code = state.withLock { state in
                if state.code == nil { state.written.append(entry) }
                return state.code
            }
            if let code { throw JournalError(path: "j", operation: "insert", code: code, text: "no") }
        }
    }

    private func entry(_ number: Int) -> JournalEntry {
        .event(generation: 1, kind: "\(number)", detail: [:])
    }

    @Test(
        "What a full disk does not take waits, and is written in order when it does", arguments: [Int32(13), 10, 778])
    func fullDisk(code: Int32) throws {
        let disk = Disk()
        var journal = PatientJournal { entry throws(JournalError) in try disk.write(entry) }
        #expect(try journal.record(entry(0)) == .written)
        disk.state.withLock { $0.code = code }
        guard case .beginsToWait(let reason) = try journal.record(entry(1)) else {
            Issue.record("it did not wait")
            return
        }
        #expect(!reason.contains("\n"))
        #expect(try journal.record(entry(2)) == .waits)
        disk.state.withLock { $0.code = nil }
        #expect(try journal.record(entry(3)) == .caughtUp(entries: 2))
        #expect(try journal.record(entry(4)) == .written)
        #expect(disk.state.withLock { $0.written } == (0...4).map(entry))
    }

    @Test("A failure that a full disk does not explain is one")
    func otherFailure() throws {
        let disk = Disk()
        disk.state.withLock { $0.code = 11 }
        var journal = PatientJournal { entry throws(JournalError) in try disk.write(entry) }
        #expect(throws: JournalError.self) { try journal.record(entry(0)) }
    }
}
