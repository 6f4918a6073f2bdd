import ArgumentParser
import Coordination
import Foundation
import Journal
import Training

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say what failed in a run, what that has cost, and where its time went.",
        discussion: "Tells of one launch: without --launch of the last one that failed, else of the last.")

    @OptionGroup var argument: RunArgument
    @OptionGroup var format: OutputFormat

    @Option(help: ArgumentHelp("The launch's number.", valueName: "number"))
    var launch: Int?

    func run() throws {
        let folder = try argument.folder()
        let journal = try folder.journal()
        let (generations, events) = (try journal.generations(), try journal.events())
        let now = folder.liveCoordinator == nil ? nil : Date.now
        let endings = LaunchEnding.all(of: generations, events: events, isLive: now != nil)
        let number = launch ?? (endings.last(where: \.ending.isFailure) ?? endings.last)?.launch
        guard let number,
            let story = LaunchStory(of: number, generations: generations, events: events, now: now)
        else {
            let known = generations.map { String($0.generation) }.joined(separator: ", ")
            throw CommandFailure(
                .inputMissing, "\(folder.path): no launch \(launch.map(String.init) ?? ""); there are \(known)")
        }
        try format.show([story], text: LaunchStoryText.text)
    }
}
