import ArgumentParser
import Foundation
import Journal
import Messaging

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "List what happened in a run, oldest first.")

    @OptionGroup var argument: RunArgument

    @Flag(help: "Print a line of JSON for each event.")
    var json = false

    private struct Event: Encodable {
        let time, kind: String
        let generation: Int
        let detail: [String: String]
    }

    func run() throws {
        for record in try argument.folderOrLatest().journal().events() {
            let detail = try JSONDecoder().decode([String: String].self, from: Data(record.detail.utf8))
            if json {
                let event = Event(
                    time: record.timeUTC, kind: record.kind, generation: record.generation, detail: detail)
                print(String(decoding: try WireFormat.encode(event), as: UTF8.self))
            } else {
                let particulars = detail.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
                print("\(record.timeUTC) launch \(record.generation) \(record.kind)\(particulars)")
            }
        }
    }
}
