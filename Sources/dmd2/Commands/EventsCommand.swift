import ArgumentParser
import Foundation
import Journal

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List what happened in a run, oldest first.")

    @OptionGroup var argument: RunArgument
    @OptionGroup var format: OutputFormat

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

        var text: String {
            let particulars = detail.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            return "\(time) launch \(generation) \(kind)\(particulars)"
        }
    }

    func run() throws {
        let events = try argument.folderOrLatest().journal().events().map(Event.init)
        try format.show(events, text: \.text)
    }
}
