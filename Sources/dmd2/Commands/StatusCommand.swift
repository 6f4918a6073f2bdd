import ArgumentParser
import Coordination
import Foundation
import Training

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how a run is doing.",
        discussion: """
            Of a run that is over it shows what the journal knew last. Ends with 0 if the run is live or finished, with \
            69 if it is neither.
            """)

    @OptionGroup var argument: RunArgument
    @OptionGroup var format: OutputFormat

    @Flag(help: "Show it again every second until the run ends.")
    var watch = false

    func run() async throws {
        let folder = try argument.folder()
        while folder.liveCoordinator != nil {
            try show(folder.status(), of: folder, live: true)
            guard watch else { return }
            try await Task.sleep(for: .seconds(1))
        }
        guard let status = try folder.recordedStatus() else { throw folder.noCoordinator }
        try show(status, of: folder, live: false)
        if status.state != .done {
            throw CommandFailure(
                .unavailable, "\(folder.path): no coordinator is alive and stages are left; dmd2 run CONFIG goes on")
        }
    }

    private func show(_ status: RunStatus, of folder: RunFolder, live: Bool) throws {
        let clearScreen = watch && !format.json && isatty(STDOUT_FILENO) == 1 ? "\u{1B}[H\u{1B}[2J" : ""
        try format.show([ShownStatus(live: live, folder: folder.path, status: status)]) {
            clearScreen + StatusText.text($0)
        }
        fflush(nil)
    }
}
