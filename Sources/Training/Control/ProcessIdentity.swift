import Foundation

/// A process, told apart from a later one with the same number by when it began.
package struct ProcessIdentity: Codable, Equatable, Sendable {
    /// Its number.
    package let pid: Int32
    /// Clock ticks from the machine's start to the process's; field 22 of `/proc/N/stat`.
    package let startTicks: UInt64

    /// The process with a number; nil if there is none, or it has ended and only waits to be reaped.
    package init?(pid: Int32) {
        guard let fields = Self.fields(pid), fields[0] != "Z", fields[0] != "X", let ticks = UInt64(fields[19]) else {
            return nil
        }
        self.pid = pid
        startTicks = ticks
    }

    /// True while it has not ended.
    package var isAlive: Bool { ProcessIdentity(pid: pid) == self }

    /// True while a signal such as SIGSTOP holds it. One that a debugger holds is not stopped in this sense.
    package var isStopped: Bool {
        guard let fields = Self.fields(pid) else { return false }
        return fields[0] == "T" && UInt64(fields[19]) == startTicks
    }

    /// The fields of `/proc/N/stat` from the state on; nil if there is no such process.
    private static func fields(_ pid: Int32) -> [Substring]? {
        guard let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        let text = String(decoding: stat, as: UTF8.self)
        // The name before it is in parentheses and may hold anything.
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: name)...].split(separator: " ")
        return fields.count > 19 ? fields : nil
    }
}
