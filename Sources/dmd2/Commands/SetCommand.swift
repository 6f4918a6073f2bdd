import ArgumentParser
import Coordination

struct SetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the ratio of a live distillation, from the first step not yet granted.")

    @Argument(help: ArgumentHelp("Critic updates per student update.", valueName: "ratio=N"))
    var assignment: String

    @OptionGroup var argument: LiveRunArgument

    func run() throws {
        let parts = assignment.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, parts[0] == "ratio", let ratio = Int(parts[1]), ratio >= 1 else {
            throw ValidationError(
                "'\(assignment)' is not ratio=N with N at least 1; only the ratio changes in a live run")
        }
        try argument.folder().order(.setRatio(ratio: ratio))
    }
}
