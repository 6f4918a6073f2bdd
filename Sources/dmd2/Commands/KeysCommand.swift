import ArgumentParser
import Messaging

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make keys for a control plane that other machines reach.",
        subcommands: [New.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make a folder of new keys, for coordinator.keys.",
            discussion: """
                Files are readable by their owner only. A worker's host needs coordinator.public and worker.secret; \
                who may only ask how the run is, coordinator.public and status.secret; who may change it, \
                coordinator.public and control.secret.
                """)

        @Argument(help: "The folder to make; it must not exist.")
        var folder: String

        func run() throws {
            try KeyFolder(folder).create()
            print("wrote  \(folder)")
        }
    }
}
