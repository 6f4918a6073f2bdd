package import ArgumentParser
package import Training

/// The options of a program that another one starts: the configuration is an option there, not the argument.
package struct StartedProgramOptions: ParsableArguments {
    /// The configuration's path.
    @Option(help: "The configuration, such as configs/digits.yaml.")
    package var config: String

    /// How the run is to be started.
    @OptionGroup package var run: RunOptions

    /// Where it ends.
    @OptionGroup package var lastStage: LastStageOption

    /// Nothing, until a command line is parsed.
    package init() {}

    /// The configuration under these options; `settings` are further overrides, which win.
    package func configuration(settings: [String] = []) throws(ConfigurationError) -> RunConfiguration {
        try run.configuration(path: config, settings: settings)
    }
}
