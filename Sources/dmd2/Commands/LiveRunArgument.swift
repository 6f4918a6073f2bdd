import ArgumentParser

/// The live run that a command changes.
struct LiveRunArgument: ParsableArguments {
    @Argument(help: "A run folder or a configuration file. Default: the only live run under runs/.")
    var run: String?

    /// The folder of that run.
    func folder() throws -> RunFolder { try RunFolder(argument: run) }
}
