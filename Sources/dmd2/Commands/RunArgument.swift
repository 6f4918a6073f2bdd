import ArgumentParser

/// The run that a command is about.
struct RunArgument: ParsableArguments {
    @Argument(help: "A run folder or a configuration file. Default: the only live run under runs/.")
    var run: String?

    /// The folder of that run.
    func folder() throws -> RunFolder { try RunFolder(argument: run) }

    /// The folder of that run; without an argument and a live run, of the one that was live last.
    func folderOrLatest() throws -> RunFolder { try RunFolder(argumentOrLatest: run) }
}
