/// The least number of insertions, deletions and replacements of a character that turn one text into the other
/// (Levenshtein 1965).
func editDistance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, character) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let replaced = diagonal + (character == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
        }
    }
    return row[b.count]
}

/// The candidate most like `text`, or nil if none is like it.
func nearest(to text: String, among candidates: [String]) -> String? {
    let scored = candidates.map { (distance: editDistance(text.lowercased(), $0.lowercased()), candidate: $0) }
    guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= max(2, text.count / 3) else {
        return nil
    }
    return best.candidate
}
