/// A key whose value differs between two configurations.
package struct ConfigurationDifference: Sendable, Equatable, CustomStringConvertible {
    /// The key, `section.key`.
    package let key: String

    /// The value there, in YAML.
    package let other: String

    /// The value here, in YAML.
    package let value: String

    /// `distil.ratio: 10 here, 5 there`.
    package var description: String { "\(key): \(value) here, \(other) there" }
}

extension RunConfiguration {
    /// The keys that forbid this configuration to resume a run made with `other`.
    ///
    /// Others may change, since they do not change what is computed: the schema says which (`mayChangeOnResume`).
    package func differences(from other: RunConfiguration) -> [ConfigurationDifference] {
        Self.schema.compactMap { key in
            let (here, there) = (key.write(self), key.write(other))
            guard !key.mayChangeOnResume, here != there else { return nil }
            return ConfigurationDifference(key: key.name, other: there, value: here)
        }
    }
}
