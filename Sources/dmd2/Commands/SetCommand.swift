import ArgumentParser
import Coordination

struct SetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the ratio of a live distillation, from the first step not yet granted.")

    @Argument(help: ArgumentHelp("Critic updates per student update.", valueName: "ratio=N"))
    var assignment: String

    @OptionGroup var argument: LiveRunArgument

    /// N of `ratio=N`; nil if it is none.
    private var ratio: Int? {
        let parts = assignment.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, parts[0] == "ratio", let ratio = Int(parts[1]), ratio >= 1 else { return nil }
        return ratio
    }

    func validate() throws {
        if ratio == nil {
            throw ValidationError(
                "'\(assignment)' is not ratio=N with N at least 1; only the ratio changes in a live run")
        }
    }

    func run() throws {
        if let ratio { try argument.folder().order(.setRatio(ratio: ratio)) }
    }
}
