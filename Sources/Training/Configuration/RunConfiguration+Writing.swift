extension RunConfiguration {
    /// The whole configuration as a file that `load` reads back to an equal value, with a comment per key.
    package var yaml: String {
        var lines: [String] = []
        var section = ""
        for key in Self.schema {
            if key.section != section {
                if !section.isEmpty { lines.append("") }
                section = key.section
                lines.append("\(section):")
            }
            lines.append("  \(key.shortName): \(key.write(self))  # \(key.meaning)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One `section.key: value` line for each key that decides what is computed, in a fixed order.
    ///
    /// Two runs with the same text compute the same weights from the same data; its hash identifies the recipe.
    package var canonicalText: String {
        Self.schema.filter { !$0.mayChangeOnResume }.map { "\($0.name): \($0.write(self))\n" }.joined()
    }
}
