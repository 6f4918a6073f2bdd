extension RunConfiguration {
    /// Reads a configuration for a program that takes `--stop-after`.
    ///
    /// A run that stops early is a probe, not the run: unless a folder is set on the command line, it gets one of its
    /// own, `FOLDER-stop-N`, so that the real run is left alone.
    package static func load(
        path: String, overrides: [String], stopAfter: Int?
    ) throws(ConfigurationError) -> RunConfiguration {
        guard let stopAfter else { return try load(path: path, overrides: overrides) }
        var configuration = try load(path: path, overrides: overrides + ["run.stopAfter=\(stopAfter)"])
        if configuration.isProbe(overrides: overrides, stopAfter) {
            configuration.run.folder += "-stop-\(stopAfter)"
        }
        return configuration
    }

    /// True if the run is a probe in a folder of its own, which starts over each time it is started.
    package func isProbe(overrides: [String], _ stopAfter: Int?) -> Bool {
        stopAfter != nil && !overrides.contains { $0.hasPrefix("run.folder=") }
    }
}
