import Checkpoints

/// Whether the disks have room for what a run keeps there.
package enum DiskCheck {
    /// The disk of the run folder: `free` is what can be written, `present` what lies in the run's folder of checkpoints
    /// already, bytes.
    package static func finding(_ forecast: CheckpointForecast, free: Int, present: Int, path: String) -> Finding {
        let parts = forecast.stages.map { "\($0.count) of \($0.name), \(text($0.bytes)) each" }
        let needed = forecast.total + FreeSpace.reserveByteCount
        let measured =
            "\(text(needed)) for checkpoints (\(parts.joined(separator: "; "))), \(text(free)) free and \(text(present)) of "
            + "them there, at \(path)"
        return free + present >= needed
            ? Finding(.ok, "disk", measured)
            : Finding(
                .failed, "disk", measured,
                advice: "free some, set run.folder to another disk, or lower checkpoints.keepLast or keepEvery")
    }

    /// The check of a machine's own disk.
    static let nodeName = "node disk"

    /// Whether a machine's own disk has room for the saves in between of the largest stage: the two that are kept and a new
    /// one. `free` is what can be written, bytes.
    ///
    /// One machine holds the whole state, two hold it twice together, and more of them each less.
    package static func nodeFinding(_ forecast: CheckpointForecast, free: Int, path: String) -> Finding {
        let largest = forecast.stages.map(\.bytes).max() ?? 0
        let needed = 3 * largest + FreeSpace.reserveByteCount
        let measured = "\(text(needed)) for saves in between at most, \(text(free)) free at \(path)"
        return free >= needed
            ? Finding(.ok, nodeName, measured)
            : Finding(.failed, nodeName, measured, advice: "free some, or set checkpoints.nodeFolder to another disk")
    }

    private static func text(_ bytes: Int) -> String {
        bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}
