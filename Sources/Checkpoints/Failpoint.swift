import Glibc

/// A place in the life of a checkpoint at which a test lets the process die, or the step fail.
///
/// The places are compiled in; with no failpoint set, passing one is the comparison of an optional with nil. A process is
/// given one by the variable `DMD2_FAILPOINT`, as `die:rename:20`: effect, place, the checkpoint's step and, unless it is
/// the first, the launch. A store of a test's own is given one when it is made.
package struct Failpoint: Sendable, Equatable {
    /// The places, in the order in which a checkpoint passes them.
    package enum Place: String, CaseIterable, Sendable {
        /// Nothing has been done for it.
        case begin
        /// The temporary folder is there.
        case folder
        /// Half of a rank's file is written.
        case shard
        /// The rank's file is written and not flushed.
        case shardFlush = "shard-flush"
        /// All ranks have reported.
        case manifest
        /// The manifest is on the disk.
        case commit
        /// The commit mark is on the disk; the folder's list of names is not.
        case folderFlush = "folder-flush"
        /// A published checkpoint of the same step has been moved aside.
        case replace
        /// The folder is complete under its temporary name.
        case rename
        /// It has its own name; the list of names is not on the disk.
        case parentFlush = "parent-flush"
        /// It is published, and the journal does not know.
        case journal
        /// The journal knows; the older ones are still there.
        case retention
        /// One that is outdated has lost its name, and is about to be removed.
        case removal
    }

    /// What happens there.
    package enum Effect: String, CaseIterable, Sendable {
        /// The process is killed, as by SIGKILL.
        case die
        /// The step fails, as if the system had refused it.
        case fail
    }

    /// What happens, where, for the checkpoint of which step, written by which launch.
    package let effect: Effect
    package let place: Place
    package let step: Int
    package let generation: Int

    /// A failpoint of one checkpoint.
    package init(_ effect: Effect, at place: Place, step: Int, generation: Int = 1) {
        (self.effect, self.place, self.step, self.generation) = (effect, place, step, generation)
    }

    /// Reads `EFFECT:PLACE:STEP` or `EFFECT:PLACE:STEP:LAUNCH`; nil if `text` is neither.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (3...4).contains(parts.count), let effect = Effect(rawValue: String(parts[0])),
            let place = Place(rawValue: String(parts[1])), let step = Int(parts[2]),
            let generation = parts.count == 4 ? Int(parts[3]) : 1
        else { return nil }
        self.init(effect, at: place, step: step, generation: generation)
    }

    /// The environment variable that sets one for a whole process.
    package static let variable = "DMD2_FAILPOINT"

    /// The one that the environment sets; nil without one, and where it makes no sense.
    package static let ofEnvironment: Failpoint? = environmentText.flatMap { Failpoint($0) }

    /// What is wrong with the environment's failpoint, in one line; nil if nothing is.
    package static var environmentProblem: String? {
        guard let text = environmentText, Failpoint(text) == nil else { return nil }
        let places = Place.allCases.map(\.rawValue).joined(separator: ", ")
        return "\(variable)='\(text)' is not EFFECT:PLACE:STEP[:LAUNCH]: unset it, or use die or fail, and \(places)"
    }

    private static var environmentText: String? { getenv(variable).map { String(cString: $0) } }

    /// Says that a checkpoint has come to a place. Does not return, or throws, if this is the failpoint.
    package func reach(_ place: Place, step: Int, generation: Int) throws(CheckpointError) {
        guard place == self.place, step == self.step, generation == self.generation else { return }
        switch effect {
        case .die:
            kill(getpid(), SIGKILL)
            // The signal ends the process before the call returns; this is for the compiler.
            _exit(128 + SIGKILL)
        case .fail:
            throw .system(operation: "pass the failpoint", path: place.rawValue, reason: "it was told to fail")
        }
    }
}
