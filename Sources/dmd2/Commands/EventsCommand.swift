import ArgumentParser
import Foundation
import Journal

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List what happened in a run, oldest first.")

    @OptionGroup var argument: RunArgument
    @OptionGroup var format: OutputFormat

    @Flag(help: "Go on with what happens from now on, until the run ends.")
    var follow = false

    private struct Event: Encodable {
        let time: String
        let generation: Int
        let kind: String
        let detail: [String: String]

        init(_ record: EventRecord) {
            time = record.timeUTC
            generation = record.generation
            kind = record.kind
            detail = record.particulars
        }

        /// The line for a person, without what only a program can read.
        var text: String {
            let readable = detail.filter { !$0.value.hasPrefix("{") }
            let particulars = readable.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            return "\(time) launch \(generation) \(kind)\(particulars)"
        }
    }

    func run() async throws {
        let folder = try argument.folder()
        let journal = try folder.journal()
        var shown = 0
        while true {
            // Asked first: what happens between the two questions is then shown before the end.
            let isLive = folder.liveCoordinator != nil
            let events = try journal.events(skipping: shown)
            shown += events.count
            try format.show(events.map(Event.init), text: \.text)
            fflush(nil)
            guard follow, isLive else { return }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}
