import ArgumentParser
import Coordination
import Foundation
import Messaging

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show how a run is doing.")

    @OptionGroup var argument: RunArgument

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Flag(help: "Show it again every second until the run ends.")
    var watch = false

    func run() async throws {
        let folder = try argument.folder()
        try show(folder.status())
        while watch {
            try await Task.sleep(for: .seconds(1))
            guard folder.liveCoordinator != nil else { return }
            try show(folder.status())
        }
    }

    private func show(_ status: RunStatus) throws {
        if json {
            print(String(decoding: try WireFormat.encode(status), as: UTF8.self))
        } else {
            let clearScreen = watch && isatty(STDOUT_FILENO) == 1 ? "\u{1B}[H\u{1B}[2J" : ""
            print(clearScreen + StatusText.text(status))
        }
        fflush(nil)
    }
}
