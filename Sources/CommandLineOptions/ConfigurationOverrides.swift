package import ArgumentParser

/// `--set`: keys of a configuration that the command line knows better than the file.
package struct ConfigurationOverrides: ParsableArguments {
    /// `section.key=value` each, the last of a key wins.
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override a key of the configuration; may be repeated.", valueName: "section.key=value"))
    package var assignments: [String] = []

    /// No override, until a command line is parsed.
    package init() {}
}
