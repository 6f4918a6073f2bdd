import Foundation

/// Lines of a name and what belongs to it.
enum Rows {
    /// The lines, with the values in one column and no line end after the last.
    static func text(_ rows: [(name: String, value: String)]) -> String {
        let width = (rows.map(\.name.count).max() ?? 0) + 2
        return rows.map { $0.name.padding(toLength: width, withPad: " ", startingAt: 0) + $0.value }
            .joined(separator: "\n")
    }
}
