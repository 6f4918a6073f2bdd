/// A duration for a person: `48s`, `2m 05s`, `3h 12m`.
package func durationText(seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "-" }
    let whole = Int(max(0, seconds).rounded())
    func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    switch whole {
    case ..<60: return "\(whole)s"
    case ..<3600: return "\(whole / 60)m \(twoDigits(whole % 60))s"
    default: return "\(whole / 3600)h \(twoDigits(whole / 60 % 60))m"
    }
}
