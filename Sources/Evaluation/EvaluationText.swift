import Foundation

/// The text of an `evaluation.json`: keys sorted, one per line, and a line end at the end.
///
/// Traps: if a figure is not finite.
func evaluationText(of result: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
        return String(decoding: try encoder.encode(result), as: UTF8.self) + "\n"
    } catch {
        preconditionFailure("evaluation result cannot be JSON: \(error)")
    }
}
