import ArgumentParser
import Coordination
import Foundation
import Journal
import Messaging

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show how a run is doing.")

    @OptionGroup var argument: RunArgument

    @Flag(help: "Print one line of JSON.")
    var json = false

    @Flag(help: "Show it again every second until the run ends.")
    var watch = false

    func run() async throws {
        let folder = try argument.folderOrLatest()
        guard folder.liveCoordinator != nil else {
            try showJournal(of: folder)
            throw folder.noCoordinator
        }
        try show(folder.status())
        while watch {
            try await Task.sleep(for: .seconds(1))
            guard folder.liveCoordinator != nil else { return }
            try show(folder.status())
        }
    }

    private func showJournal(of folder: RunFolder) throws {
        guard FileManager.default.fileExists(atPath: folder.file(Journal.fileName)) else { return }
        let summary = try JournalSummary(folder: folder)
        print(json ? try line(summary) : summary.text)
    }

    private func show(_ status: RunStatus) throws {
        if json {
            print(try line(status))
        } else {
            let clearScreen = watch && isatty(STDOUT_FILENO) == 1 ? "\u{1B}[H\u{1B}[2J" : ""
            print(clearScreen + StatusText.text(status))
        }
        fflush(nil)
    }

    private func line(_ value: some Encodable) throws -> String {
        String(decoding: try WireFormat.encode(value), as: UTF8.self)
    }
}
