import Checkpoints

/// Whether the disk of the run folder has room for what the run keeps there.
package enum DiskCheck {
    /// `free` is what can be written, `present` what lies in the run's folder of checkpoints already, bytes.
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

    private static func text(_ bytes: Int) -> String {
        bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}
