/// Lists of hosts as the world writes them.
package enum HostListText {
    /// Reads lines of `NAME`, `NAME slots=N` (Open MPI's host file) or `NAME:N` (Horovod's discovery script); `#` begins
    /// a comment, and a host without a number has one slot.
    package static func hosts(_ text: String) throws(HostListError) -> [HostSlots] {
        var hosts: [HostSlots] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != "#" }
            let words = content.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard let first = words.first else { continue }
            let parts = first.split(separator: ":", omittingEmptySubsequences: false)
            var slots = parts.count == 2 ? Int(parts[1]) : parts.count == 1 ? 1 : nil
            for word in words.dropFirst() where word.hasPrefix("slots=") { slots = Int(word.dropFirst(6)) }
            guard let slots, slots >= 0, let name = parts.first, isHostName(name) else {
                throw HostListError(line: index + 1, text: String(line))
            }
            hosts.append(HostSlots(name: String(name), slots: slots))
        }
        return hosts
    }

    /// The hosts of a Slurm job: `nodeList` as in SLURM_JOB_NODELIST (`n[01-03,7],gpu5`), `tasksPerNode` as in
    /// SLURM_TASKS_PER_NODE (`2(x3),1`); a node beyond the latter has one slot.
    package static func slurmHosts(nodeList: String, tasksPerNode: String) throws(HostListError) -> [HostSlots] {
        let names = try expanded(nodeList)
        var counts: [Int] = []
        for part in tasksPerNode.split(separator: ",") {
            let pieces = part.split { "(x)".contains($0) }
            guard let count = pieces.first.flatMap({ Int($0) }), pieces.count <= 2,
                let times = pieces.count == 2 ? Int(pieces[1]) : 1, times >= 1, times <= 100_000
            else { throw HostListError(line: 1, text: tasksPerNode) }
            counts += Array(repeating: count, count: times)
        }
        return names.enumerated().map { HostSlots(name: $1, slots: $0 < counts.count ? counts[$0] : 1) }
    }

    /// `n[01-03,7],gpu5` spelled out.
    private static func expanded(_ list: String) throws(HostListError) -> [String] {
        var names: [String] = []
        for item in topLevelItems(list) {
            guard let open = item.firstIndex(of: "[") else {
                guard isHostName(Substring(item)) else { throw HostListError(line: 1, text: list) }
                names.append(item)
                continue
            }
            guard item.last == "]", !item[item.index(after: open)...].dropLast().contains("[") else {
                throw HostListError(line: 1, text: list)
            }
            for range in item[item.index(after: open)...].dropLast().split(separator: ",") {
                let ends = range.split(separator: "-", omittingEmptySubsequences: false)
                guard ends.count <= 2, let first = ends.first, let last = ends.last, let from = Int(first),
                    let to = Int(last), from <= to, to - from < 100_000
                else { throw HostListError(line: 1, text: list) }
                for number in from...to {
                    let digits = String(number)
                    let zeros = String(repeating: "0", count: max(0, first.count - digits.count))
                    names.append(item[..<open] + zeros + digits)
                }
            }
        }
        return names
    }

    /// Parts between the commas that are not in brackets.
    private static func topLevelItems(_ list: String) -> [String] {
        var items = [""]
        var depth = 0
        for character in list {
            if character == "[" { depth += 1 }
            if character == "]" { depth -= 1 }
            if character == ",", depth == 0 { items.append("") } else { items[items.count - 1].append(character) }
        }
        return items.filter { !$0.isEmpty }
    }

    /// Names go onto mpirun's command line.
    private static func isHostName(_ text: Substring) -> Bool {
        guard let first = text.first, first != "-" else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }
    }
}

/// A list of hosts that cannot be read.
package struct HostListError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line, from 1.
    package var line: Int
    /// What stands there.
    package var text: String

    /// Creates a fault; see the properties for the meaning of each argument.
    package init(line: Int, text: String) {
        self.line = line
        self.text = text
    }

    /// One line for a person, without the name of the list.
    package var description: String {
        "line \(line), '\(text)': write NAME, NAME slots=N or NAME:N"
    }
}
