package import Coordination
package import Journal

/// A run's journal where the disk may be full for a while: what cannot be written waits in memory, in order, and is
/// written before anything later. A run outlives a full disk this way; what waits is lost if the process ends first.
package struct PatientJournal {
    /// What became of an entry.
    package enum Outcome: Equatable {
        /// It is written, with all before it.
        case written
        /// It waits, as the first since the journal could be written last; the reason in one line.
        case beginsToWait(String)
        /// It waits with others.
        case waits
        /// It is written, with so many that had been waiting.
        case caughtUp(entries: Int)
    }

    /// More entries than this do not wait: at some time a full disk is a failure.
    package static let maximumBacklog = 100_000

    private let write: (JournalEntry) throws(JournalError) -> Void
    private var backlog: [JournalEntry] = []

    /// A journal that entries are written to.
    package init(_ journal: Journal) {
        self.init { entry throws(JournalError) in try journal.record(entry) }
    }

    /// Anything that entries are written to.
    package init(writing write: @escaping (JournalEntry) throws(JournalError) -> Void) {
        self.write = write
    }

    /// Writes an entry, or lets it wait. Throws what a full disk does not explain, and when too many wait.
    package mutating func record(_ entry: JournalEntry) throws(JournalError) -> Outcome {
        let waiting = backlog.count
        backlog.append(entry)
        var writtenCount = 0
        defer { backlog.removeFirst(writtenCount) }
        do {
            for entry in backlog {
                try write(entry)
                writtenCount += 1
            }
        } catch {
            guard error.mayBeFullDisk, backlog.count - writtenCount <= Self.maximumBacklog else { throw error }
            return waiting == 0 ? .beginsToWait(error.description) : .waits
        }
        return waiting == 0 ? .written : .caughtUp(entries: waiting)
    }
}
