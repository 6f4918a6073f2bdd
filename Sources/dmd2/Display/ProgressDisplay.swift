import Coordination
import Foundation

/// Shows a run's progress on standard error: a bar that is redrawn on a terminal, elsewhere a line every ten seconds.
actor ProgressDisplay {
    private let folder: RunFolder
    /// The coordinator that is shown; nil until it is started.
    private var coordinator: pid_t?
    private let isTerminal = StandardError.isTerminal
    private var lastLine: ContinuousClock.Instant?
    private var lastStage: String?
    private var lastGeneration: Int?
    private var lastMessage = ""

    init(folder: RunFolder) {
        self.folder = folder
    }

    /// Shows this coordinator from now on. One that another start of the run left in charge is not ours to show.
    func started(_ coordinator: pid_t) {
        self.coordinator = coordinator
    }

    /// Shows what the coordinator says until the task is cancelled.
    func follow() async {
        while !Task.isCancelled {
            // A coordinator that is starting, ending or busy is simply asked again.
            if ownCoordinator != nil, let status = try? folder.status(timeoutMilliseconds: 1000) { show(status) }
            // Asking and answering take from the cores that train; a line every ten seconds needs less.
            try? await Task.sleep(for: isTerminal ? .milliseconds(500) : .seconds(2))
        }
    }

    /// Ends the display.
    func finish() {
        StandardError.eraseLine()
    }

    /// Prints a line of its own.
    func note(_ text: String) {
        StandardError.eraseLine()
        StandardError.write("dmd2: \(text)\n")
    }

    /// Ends the workers of the current launch, which have a process group of their own.
    func killed() {
        guard let address = ownCoordinator, address.processGroup > 1 else { return }
        kill(-address.processGroup, SIGKILL)
    }

    private var ownCoordinator: CoordinatorAddress? {
        guard let address = folder.liveCoordinator, address.pid == coordinator else { return nil }
        return address
    }

    private func show(_ status: RunStatus) {
        guard status.state == .running || status.state == .draining else {
            if status.message != lastMessage { note(status.message) }
            lastMessage = status.message
            return
        }
        if let lastGeneration, status.generation > lastGeneration {
            note("launch \(status.generation): \(status.message)")
        }
        lastGeneration = status.generation
        if isTerminal {
            StandardError.redraw(ProgressLine.bar(status, columns: StandardError.columns - 1))
        } else if status.stage != nil, status.stage != lastStage || isLineDue {
            lastLine = .now
            StandardError.write(ProgressLine.plain(status) + "\n")
        }
        lastStage = status.stage
    }

    private var isLineDue: Bool {
        lastLine.map { ContinuousClock.now - $0 >= .seconds(10) } ?? true
    }
}
