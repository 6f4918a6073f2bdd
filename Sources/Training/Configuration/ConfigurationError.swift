package import Coordination

/// One thing wrong with a configuration, and the cure.
package struct ConfigurationFault: Sendable, Equatable, CustomStringConvertible {
    /// The file and line, or `--set`.
    package let location: String

    /// The key, `section.key`; empty if the fault is the file's.
    package let key: String

    /// What is wrong and what to do.
    package let problem: String

    /// One line: `configs/x.yaml:12: distil.ratio: 0 is less than 1; use 5 (critic updates per student update)`.
    package var description: String {
        ([location] + (key.isEmpty ? [] : [key]) + [problem]).joined(separator: ": ")
    }
}

/// Why no configuration was loaded.
package enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file is missing or cannot be read.
    case unreadable(path: String, reason: String)

    /// The file and the overrides were read, and these faults found: all of them, at least one.
    case faulty([ConfigurationFault])

    /// One line per fault.
    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "\(path): \(reason); give the path of a configuration such as configs/digits.yaml"
        case .faulty(let faults): faults.map(\.description).joined(separator: "\n")
        }
    }

    /// How a program ends that cannot go on without the configuration.
    package var exitStatus: ExitStatus {
        switch self {
        case .unreadable: .inputMissing
        case .faulty: .badConfiguration
        }
    }
}
