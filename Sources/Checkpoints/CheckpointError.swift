/// Why a checkpoint, or another file of a run, could not be written, read or used.
package enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system refused an operation on a file or folder.
    case system(operation: String, path: String, reason: String)
    /// A file's content contradicts itself or what was recorded of it.
    case damaged(path: String, reason: String)
    /// A sound file holds other tensors than the ones asked for.
    case mismatch(path: String, reason: String)
    /// A checkpoint was not published, because a part of it is missing.
    case incomplete(path: String, reason: String)
    /// The file system has no room for a checkpoint.
    case noSpace(path: String, neededByteCount: Int, freeByteCount: Int)
    /// A later launch of the run has begun to save: this process is a leftover of an earlier one.
    case superseded(path: String, generation: Int)
    /// No checkpoint of this step is there; those of these steps, ascending, are.
    case unknownStep(folder: String, step: Int, present: [Int])
    /// A sound checkpoint has the weights of a network, and no moving average of them.
    case noAverage(path: String, network: String)
    /// The run folder belongs to a process that is alive.
    case locked(path: String, owner: String)

    /// One line: what failed, where, and what to do next.
    package var description: String {
        switch self {
        case .system(let operation, let path, let reason):
            "cannot \(operation) \(path): \(reason); check the path, its permissions and the free space"
        case .damaged(let path, let reason):
            "\(path) is damaged: \(reason); restore it from a copy, or remove it to go on from an older one"
        case .mismatch(let path, let reason):
            "\(path) does not fit: \(reason); load it with the configuration it was written with"
        case .incomplete(let path, let reason):
            "checkpoint \(path) is not published: \(reason); the one before it stays valid"
        case .noSpace(let path, let needed, let free):
            "no room for a checkpoint in \(path): \(needed >> 20) MiB are needed and \(free >> 20) MiB free; make room, the "
                + "next save tries again"
        case .superseded(let path, let generation):
            "\(path) belongs to generation \(generation), which is later than this process's; end this process"
        case .unknownStep(let folder, let step, let present) where present.isEmpty:
            "\(folder) has no checkpoint of step \(step), nor of any other"
        case .unknownStep(let folder, let step, let present):
            "\(folder) has no checkpoint of step \(step); there are \(present.map(String.init).joined(separator: ", "))"
        case .noAverage(let path, let network):
            "\(path) has no moving average of the \(network), only the weights that the optimiser changes: ask for --raw"
        case .locked(let path, let owner):
            "run folder in use: \(path) is held by \(owner); stop that run with `dmd2 stop`, or choose another run.folder"
        }
    }

    /// The error of the system call that has just failed, from `errno`.
    static func lastSystemError(_ operation: String, _ path: String) -> CheckpointError {
        .system(operation: operation, path: path, reason: systemErrorText())
    }
}
