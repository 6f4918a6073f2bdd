import ArgumentParser
import Coordination
import Foundation
import Training

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show how a run is doing.")

    @OptionGroup var argument: RunArgument
    @OptionGroup var format: OutputFormat

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

    private func show(_ status: RunStatus) throws {
        let clearScreen = watch && !format.json && isatty(STDOUT_FILENO) == 1 ? "\u{1B}[H\u{1B}[2J" : ""
        try format.show([status]) { clearScreen + StatusText.text($0) }
        fflush(nil)
    }

    private func showJournal(of folder: RunFolder) throws {
        guard FileManager.default.fileExists(atPath: folder.layout.journal) else { return }
        try format.show([JournalSummary(folder: folder)], text: \.text)
    }
}
