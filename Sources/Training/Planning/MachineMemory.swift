import Foundation

/// The memory of this machine that a run may use.
package enum MachineMemory {
    /// Bytes: what the machine has, or less where a control group limits it. Nil where the kernel does not say.
    package static var byteCount: Int? {
        let total = text("/proc/meminfo").flatMap { bytes(of: "MemTotal", inMeminfo: $0) }
        return [total, controlGroupLimit].compactMap(\.self).min()
    }

    /// Bytes that a program could still have: what the kernel can free, or less where a control group limits it.
    package static var availableByteCount: Int? {
        let available = text("/proc/meminfo").flatMap { bytes(of: "MemAvailable", inMeminfo: $0) }
        return [available, controlGroupLimit].compactMap(\.self).min()
    }

    /// A line such as `MemTotal:  24684036 kB`.
    package static func bytes(of name: String, inMeminfo text: String) -> Int? {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }.map { $0 << 10 }
    }

    /// The least limit on the way from this process's control group to the root; `max` and missing files set none.
    private static var controlGroupLimit: Int? {
        guard let entry = text("/proc/self/cgroup")?.split(separator: "\n").first(where: { $0.hasPrefix("0::") }) else {
            return nil
        }
        var path = String(entry.dropFirst("0::".count))
        var limits: [Int] = []
        while true {
            let limit = text("/sys/fs/cgroup\(path == "/" ? "" : path)/memory.max")
            if let limit = limit.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) {
                limits.append(limit)
            }
            if path == "/" || path.isEmpty { return limits.min() }
            path = (path as NSString).deletingLastPathComponent
        }
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
