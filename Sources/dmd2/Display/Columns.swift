/// Rows of cells under each other.
enum Columns {
    /// The lines, the first `leftAligned` columns set left and the others right, each as wide as its widest cell, and no
    /// line end after the last.
    static func text(_ rows: [[String]], leftAligned: Int = 1) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column < leftAligned ? row[column] + space : space + row[column]
            }
            return cells.joined(separator: "   ")
        }
        return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
    }
}
