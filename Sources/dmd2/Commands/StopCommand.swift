import ArgumentParser
import Coordination

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Finish the steps under way, save and end a live run.")

    @OptionGroup var argument: LiveRunArgument

    func run() throws {
        try argument.folder().order(.stop)
    }
}
