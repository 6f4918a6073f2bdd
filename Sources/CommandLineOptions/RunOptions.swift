package import ArgumentParser
package import Training

/// How a run is to be started: what the person types to the first program is passed on to the programs that it starts.
package struct RunOptions: ParsableArguments {
    /// Keys that the command line overrides.
    @OptionGroup package var overrides: ConfigurationOverrides

    /// True: begin again.
    @Flag(help: "Begin again; what the run folder holds is moved to its subfolder 'previous'.")
    package var fresh = false

    /// Steps after which each training stage ends; nil: at its goal.
    @Option(
        help: ArgumentHelp(
            "A probe: end each training stage after so many steps, in FOLDER-stop-N unless --set run.folder names one.",
            valueName: "steps"))
    package var stopAfter: Int?

    /// True: print a hash of what each stage has trained.
    @Flag(help: "Print the SHA-256 of each stage's final weights.")
    package var printWeightsHash = false

    /// No option, until a command line is parsed.
    package init() {}

    /// Throws a `ValidationError` if a value is impossible.
    package func validate() throws {
        if let stopAfter, stopAfter < 1 { throw ValidationError("--stop-after \(stopAfter) is less than 1") }
    }

    /// The configuration in a file under these options; `settings` are further overrides, which win.
    package func configuration(
        path: String, settings: [String] = []
    ) throws(ConfigurationError) -> RunConfiguration {
        try RunConfiguration.load(path: path, overrides: overrides.assignments + settings, stopAfter: stopAfter)
    }

    /// True if the run begins again: it was asked to, or it is a probe, which always does.
    package func beginsAgain(_ configuration: RunConfiguration) -> Bool {
        fresh || configuration.isProbe(overrides: overrides.assignments, stopAfter)
    }

    /// The command line that hands these options to the next program, for the configuration at `path` and a run that ends
    /// with the stage `last`; nil: with its last.
    package func arguments(path: String, upTo last: StagePlan.Stage?) -> [String] {
        var arguments = ["--config", path]
        for assignment in overrides.assignments { arguments += ["--set", assignment] }
        if fresh { arguments.append("--fresh") }
        if let stopAfter { arguments += ["--stop-after", String(stopAfter)] }
        if let last { arguments += ["--until", last.rawValue] }
        if printWeightsHash { arguments.append("--print-weights-hash") }
        return arguments
    }
}
