/// A process, told apart from a later one with the same number by when it began.
package struct ProcessIdentity: Codable, Equatable, Sendable {
    /// Its number.
    package let pid: Int32
    /// Clock ticks from the machine's start to the process's; field 22 of `/proc/N/stat`.
    package let startTicks: UInt64

    /// The process with a number; nil if there is none, or it has ended and only waits to be reaped.
    package init?(pid: Int32) {
        guard let (state, ticks) = Self.stateAndStart(pid), state != "Z", state != "X" else { return nil }
        self.pid = pid
        startTicks = ticks
    }

    /// True while it has not ended.
    package var isAlive: Bool { ProcessIdentity(pid: pid) == self }

    /// True while a signal such as SIGSTOP holds it. One that a debugger holds is not stopped in this sense.
    package var isStopped: Bool {
        guard let (state, ticks) = Self.stateAndStart(pid) else { return false }
        return state == "T" && ticks == startTicks
    }

    /// Fields 3 and 22 of `/proc/N/stat`, the state's letter and when the process began; nil if there is none.
    private static func stateAndStart(_ pid: Int32) -> (state: Unicode.Scalar, startTicks: UInt64)? {
        ProcFile.read("/proc/\(pid)/stat") { text in
            // The name before the state is in parentheses and may hold anything.
            guard let name = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = text[(name + 1)...].split(separator: UInt8(ascii: " "), maxSplits: 20)
            guard fields.count > 19, let state = fields[0].first,
                let ticks = UInt64(String(decoding: fields[19], as: UTF8.self))
            else { return nil }
            return (Unicode.Scalar(state), ticks)
        }
    }
}
