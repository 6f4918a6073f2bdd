/// `1 rank`, `2 ranks`: a number and what it counts, for a person. The word is one that takes an s.
package func counted(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }
