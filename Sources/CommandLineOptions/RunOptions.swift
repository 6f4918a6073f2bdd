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
        help: "End each training stage after this many steps; in a folder of its own without --set run.folder.")
    package var stopAfter: Int?

    /// The stage after which the run ends; nil: its last.
    @Option(help: "End the run after this stage; starting it again without goes on.")
    package var until: StagePlan.Stage?

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

    /// The command line that hands these options to the next program, for the configuration at `path`.
    package func arguments(path: String) -> [String] {
        var arguments = ["--config", path]
        for assignment in overrides.assignments { arguments += ["--set", assignment] }
        if fresh { arguments.append("--fresh") }
        if let stopAfter { arguments += ["--stop-after", String(stopAfter)] }
        if let until { arguments += ["--until", until.rawValue] }
        if printWeightsHash { arguments.append("--print-weights-hash") }
        return arguments
    }
}

extension StagePlan.Stage: ExpressibleByArgument {}
