import ArgumentParser
import Foundation
import Messaging

/// How a command prints its answer: for a person, or as a line of JSON for each item.
struct OutputFormat: ParsableArguments {
    @Flag(help: "Print JSON, a line for each item.")
    var json = false

    /// Prints the items, one per line.
    func show<Item: Encodable>(_ items: [Item], text: (Item) -> String) throws {
        for item in items {
            print(json ? String(decoding: try WireFormat.encode(item), as: UTF8.self) : text(item))
        }
    }
}
