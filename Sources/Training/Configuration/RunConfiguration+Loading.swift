import Foundation

extension RunConfiguration {
    /// Reads a configuration file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - overrides: `section.key=value` each, the value in YAML; they win over the file.
    /// - Returns: The configuration, every value valid and all of them compatible.
    /// - Throws: `unreadable` if there is no such file, else `faulty` with all that is wrong.
    package static func load(path: String, overrides: [String] = []) throws(ConfigurationError) -> RunConfiguration {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            let reason = isFolder.boolValue ? "is a folder" : exists ? "cannot be read" : "no such file"
            throw .unreadable(path: path, reason: reason)
        }
        guard let yaml = String(data: bytes, encoding: .utf8) else {
            throw .faulty([ConfigurationFault(location: path, key: "", problem: "not UTF-8 text; save it as UTF-8")])
        }
        return try parse(yaml: yaml, fileName: path, overrides: overrides)
    }

    /// Reads a configuration from text; `fileName` names it in faults.
    ///
    /// - Throws: `faulty` with all that is wrong.
    package static func parse(
        yaml: String, fileName: String, overrides: [String] = []
    ) throws(ConfigurationError) -> RunConfiguration {
        let source = ConfigurationSource(yaml: yaml, fileName: fileName, overrides: overrides)
        var configuration = RunConfiguration(name: "")
        var faults = source.faults
        var faultyKeys: Set<String> = []

        for (key, entry) in source.entries {
            let problem =
                schema.first { $0.name == key }.map { $0.read(entry.node, &configuration) } ?? unknownKeyProblem(key)
            guard let problem else { continue }
            faults.append(ConfigurationFault(location: entry.location, key: key, problem: problem))
            faultyKeys.insert(key)
        }
        let given = Set(source.entries.map(\.key))
        if !given.contains("run.name") && source.faults.isEmpty {
            let problem = "is missing; name the run, for example \"run: {name: digits}\""
            faults.append(ConfigurationFault(location: fileName, key: "run.name", problem: problem))
        }
        if !given.contains("run.folder") {
            configuration.run.folder = defaultFolder(name: configuration.run.name)
        }
        for relation in relations where faultyKeys.isDisjoint(with: relation.others + [relation.key]) {
            guard let problem = relation.problem(configuration) else { continue }
            faults.append(
                ConfigurationFault(location: source.location(ofKey: relation.key), key: relation.key, problem: problem))
        }
        guard faults.isEmpty else { throw .faulty(faults) }
        return configuration
    }

    private static func unknownKeyProblem(_ key: String) -> String {
        let section = String(key.prefix { $0 != "." })
        let siblings = schema.filter { $0.section == section }
        if let suggestion = nearest(to: key, among: schema.map(\.name)) {
            return "unknown key; did you mean \(suggestion)?"
        }
        if siblings.isEmpty {
            var sections: [String] = []
            for known in schema where sections.last != known.section { sections.append(known.section) }
            return "unknown section; there are \(sections.joined(separator: ", "))"
        }
        return "unknown key; \(section) has \(siblings.map(\.shortName).joined(separator: ", "))"
    }
}
