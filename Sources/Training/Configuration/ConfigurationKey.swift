import Yams

/// One key of the configuration file: where its value lives, which values it may have, what it means.
struct ConfigurationKey: Sendable {
    /// Section and key: `distil.ratio`.
    let name: String

    /// What the value means, with its unit; shown beside a fault and in the written file.
    let meaning: String

    /// True if a resumed run may have another value: the key does not change what is computed.
    let mayChangeOnResume: Bool

    /// Stores the value of a node, and returns what is wrong with it, if anything, and the cure. A faulty value is not stored.
    let read: @Sendable (Node, inout RunConfiguration) -> String?

    /// The value in YAML.
    let write: @Sendable (RunConfiguration) -> String

    init<Value: ConfigurationValue>(
        _ name: String, _ path: any WritableKeyPath<RunConfiguration, Value> & Sendable,
        _ rule: ConfigurationRule<Value>, _ meaning: String, mayChangeOnResume: Bool = false
    ) {
        self.name = name
        self.meaning = meaning
        self.mayChangeOnResume = mayChangeOnResume
        read = { node, configuration in
            let cure = "use \(RunConfiguration.example[keyPath: path].yaml) (\(meaning))"
            guard let value = Value(node: node) else {
                return "\(Self.excerpt(of: node)) is not \(Value.kind); \(cure)"
            }
            if let problem = rule.problem(value) { return "\(problem); \(cure)" }
            configuration[keyPath: path] = value
            return nil
        }
        write = { $0[keyPath: path].yaml }
    }

    /// The key's section: `distil`.
    var section: String { String(name.prefix { $0 != "." }) }

    /// The key within its section: `ratio`.
    var shortName: String { String(name.dropFirst(section.count + 1)) }

    private static func excerpt(of node: Node) -> String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "\"\(scalar.string)\""
        case .sequence(let sequence): "[" + sequence.map(excerpt(of:)).joined(separator: ", ") + "]"
        case .mapping: "a section"
        case .alias: "an alias"
        }
    }
}
