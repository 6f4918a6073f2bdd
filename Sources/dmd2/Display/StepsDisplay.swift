/// Shows how far a computation of this process is, on standard error, as `ProgressDisplay` shows a run: a bar on a terminal,
/// elsewhere a line when its title changes and every ten seconds.
struct StepsDisplay {
    private let isTerminal = StandardError.isTerminal
    private var title = ""
    private var began = ContinuousClock.now
    private var lastLine = ContinuousClock.now

    /// Shows that so many steps of what the title names are done.
    mutating func show(_ title: String, step: Int, of total: Int) {
        let now = ContinuousClock.now
        let isNew = title != self.title
        if isNew { (self.title, began) = (title, now) }
        // The first step of a computation also makes its primitives, and says nothing about the rest.
        let seconds = (now - began) / .seconds(1)
        let eta = step > 1 ? ["ETA \(durationText(seconds: seconds / Double(step - 1) * Double(total - step)))"] : []
        if isTerminal {
            StandardError.redraw(
                ProgressLine.bar(title, step: step, of: total, eta, columns: StandardError.columns - 1))
        } else if isNew || now - lastLine >= .seconds(10) {
            lastLine = now
            StandardError.write((["\(title), step \(step)/\(total)"] + eta).joined(separator: ", ") + "\n")
        }
    }

    /// Ends the display.
    func finish() {
        StandardError.eraseLine()
    }
}
