import ArgumentParser
import Coordination

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Save a checkpoint now.", subcommands: [Now.self])

    struct Now: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "now", abstract: "Save a checkpoint of a live run at the next step not yet granted.")

        @OptionGroup var argument: RunArgument

        func run() throws {
            try argument.folder().order(.checkpointNow)
        }
    }
}
