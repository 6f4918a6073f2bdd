import Training

/// A finding of `dmd2 doctor` on one line.
enum FindingLine {
    /// `ok       labels             1,797 images …`, with what to do behind a dash.
    static func text(_ finding: Finding) -> String {
        let outcome = finding.outcome == .failed ? "FAILED" : finding.outcome.rawValue
        let head = padded(outcome, to: 9) + padded(finding.name, to: 19)
        return head + finding.measured + (finding.advice.map { " – \($0)" } ?? "")
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
