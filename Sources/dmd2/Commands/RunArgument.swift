import ArgumentParser

/// The run that a command looks at, live or over.
struct RunArgument: ParsableArguments {
    @Argument(
        help: """
            A run folder or a configuration file. Default: the only live run under runs/, or the latest if none is live.
            """)
    var run: String?

    /// The folder of that run.
    func folder() throws -> RunFolder { try RunFolder(argumentOrLatest: run) }
}
