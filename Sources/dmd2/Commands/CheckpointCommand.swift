import ArgumentParser
import Coordination

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Save, list, verify, compare and export checkpoints.",
        subcommands: [
            Now.self, List.self, Verify.self, CheckpointDiffCommand.self, CheckpointExportCommand.self,
        ])

    struct Now: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "now",
            abstract: "Save a checkpoint of a live run at the first step not yet granted, and say which.")

        @OptionGroup var argument: LiveRunArgument

        func run() throws {
            try argument.folder().order(.checkpointNow)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls",
            abstract: "List the checkpoints of a run, oldest first, without reading their content.",
            discussion: "It compares the lengths of files; dmd2 checkpoint verify compares their hashes. Those that "
                + "ranks keep on their machines' own disks come last.")

        @OptionGroup var argument: RunArgument
        @OptionGroup var format: OutputFormat

        func run() throws {
            let folder = try argument.folder()
            let checkpoints = try folder.checkpoints(hashingContent: false) + folder.nodeCheckpoints()
            if checkpoints.isEmpty {
                try folder.checkHoldsRun()
                StandardError.write("dmd2: \(folder.path): no checkpoint yet\n")
            }
            try format.show(checkpoints, text: \.text)
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Read the checkpoints of a run and compare every hash.",
            discussion: "Ends with 0 if all verify and with 65 if one does not.")

        @OptionGroup var argument: RunArgument
        @OptionGroup var format: OutputFormat

        func run() throws {
            let folder = try argument.folder()
            let checkpoints = try folder.checkpoints(hashingContent: true)
            guard !checkpoints.isEmpty else { throw folder.noCheckpoint }
            try format.show(checkpoints, text: \.text)
            let damaged = checkpoints.count { !$0.sound }
            guard damaged > 0 else { return }
            let sound = Set(checkpoints.filter(\.sound).map(\.stage))
            let lost = Set(checkpoints.map(\.stage)).subtracting(sound).sorted()
            let end =
                lost.isEmpty
                ? "a run goes on from the newest sound one"
                : "none of \(lost.joined(separator: " and ")) is sound: a run does that again from its beginning"
            throw CommandFailure(.badData, "\(damaged) of \(checkpoints.count) checkpoints damaged; \(end)")
        }
    }
}
