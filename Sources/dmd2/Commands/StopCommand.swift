import ArgumentParser
import Coordination

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Finish the steps under way, save and end the run.")

    @OptionGroup var argument: RunArgument

    func run() throws {
        try argument.folder().order(.stop)
    }
}
