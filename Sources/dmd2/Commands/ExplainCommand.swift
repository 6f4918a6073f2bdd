import ArgumentParser
import Coordination
import Foundation
import Journal
import Training

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a launch ended, what that has cost, and where a run's time went.",
        discussion: "Without --launch it is the last one that failed, else the last.")

    @OptionGroup var argument: RunArgument
    @OptionGroup var format: OutputFormat

    @Option(help: "The launch's number.")
    var launch: Int?

    func run() throws {
        let folder = try argument.folderOrLatest()
        let journal = try folder.journal()
        let (generations, events) = (try journal.generations(), try journal.events())
        let number = launch ?? Self.interesting(generations)
        let now = folder.liveCoordinator == nil ? nil : Date.now
        guard let number,
            let story = LaunchStory(of: number, generations: generations, events: events, now: now)
        else {
            let known = generations.map { String($0.generation) }.joined(separator: ", ")
            throw CommandFailure(
                .inputMissing, "\(folder.path): no launch \(launch.map(String.init) ?? ""); there are \(known)")
        }
        try format.show([story], text: LaunchStoryText.text)
    }

    /// The last launch that another one had to follow; else the last.
    private static func interesting(_ generations: [GenerationRecord]) -> Int? {
        generations.dropLast().last { $0.cause != nil }?.generation ?? generations.last?.generation
    }
}
