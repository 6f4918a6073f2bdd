import Yams

/// The values given for keys, before their types are known: a file's, overlaid by `--set` arguments.
struct ConfigurationSource {
    /// A value and where it was given.
    struct Entry {
        let node: Node
        let location: String
    }

    /// The name of the file, for faults.
    let fileName: String

    /// The value of each key that was given, by `section.key`. Unknown keys are among them.
    private(set) var entries: [(key: String, entry: Entry)] = []

    /// What cannot be read as `section: {key: value}` at all.
    private(set) var faults: [ConfigurationFault] = []

    init(yaml: String, fileName: String, overrides: [String]) {
        self.fileName = fileName
        readFile(yaml)
        for override in overrides { readOverride(override) }
    }

    private mutating func readFile(_ yaml: String) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            faults.append(Self.fault(of: error, fileName: fileName))
            return
        }
        guard let root, !root.isEmpty else { return }
        guard let sections = root.mapping else {
            faults.append(fault(at: root, key: "", "the file holds no sections; begin with \"run: {name: digits}\""))
            return
        }
        for (sectionNode, content) in sections {
            let section = sectionNode.scalar?.string ?? "?"
            if content.isEmpty { continue }
            guard let keys = content.mapping else {
                faults.append(
                    fault(
                        at: sectionNode, key: section, "is a section; put its keys below it, indented: \"key: value\""))
                continue
            }
            for (keyNode, value) in keys {
                let key = section + "." + (keyNode.scalar?.string ?? "?")
                entries.append((key, Entry(node: value, location: location(of: keyNode))))
            }
        }
    }

    private mutating func readOverride(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let key = String(parts[0])
        // A shell passes KEY="" on as KEY=, which in YAML is no value at all.
        guard parts.count == 2, let node = try? Yams.compose(yaml: parts[1].isEmpty ? "''" : String(parts[1])) else {
            faults.append(
                ConfigurationFault(
                    location: "--set \(text)", key: "",
                    problem: "is not section.key=value; for example --set distil.ratio=5"))
            return
        }
        entries.removeAll { $0.key == key }
        entries.append((key, Entry(node: node, location: "--set")))
    }

    /// Where the value of a key was given; the file for a key left at its default.
    func location(ofKey key: String) -> String {
        entries.first { $0.key == key }?.entry.location ?? fileName
    }

    private func location(of node: Node) -> String {
        node.mark.map { "\(fileName):\($0.line)" } ?? fileName
    }

    private func fault(at node: Node, key: String, _ problem: String) -> ConfigurationFault {
        ConfigurationFault(location: location(of: node), key: key, problem: problem)
    }

    private static func fault(of error: any Error, fileName: String) -> ConfigurationFault {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ConfigurationFault(
                location: "\(fileName):\(mark.line)", key: "",
                problem: "not YAML: \(problem); check indentation and quotes")
        case .duplicatedKeysInMapping(let duplicates, let context):
            ConfigurationFault(
                location: "\(fileName):\(context.mark.line)", key: "",
                problem: "given twice: \(duplicates.joined(separator: ", ")); keep one")
        default:
            ConfigurationFault(location: fileName, key: "", problem: "not a text file in YAML: \(firstLine(of: error))")
        }
    }

    private static func firstLine(of error: any Error) -> String {
        String("\(error)".prefix { !$0.isNewline })
    }
}

extension Node {
    /// True for a value left out: `section:` with nothing after it.
    fileprivate var isEmpty: Bool {
        guard let scalar else { return false }
        return scalar.string.isEmpty
    }
}
