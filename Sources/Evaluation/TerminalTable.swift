/// The result of an evaluation as a table of plain text.
package enum TerminalTable {
    /// The table, with aligned columns and no line end after the last line.
    ///
    ///               network calls   Fréchet distance   class agreement   images
    ///     teacher              35               3.52             0.979    5,000
    ///     student               1               4.10             0.985    5,000
    ///     student / teacher                     1.16             1.006
    package static func text(_ result: EvaluationResult) -> String {
        align([
            ["", "network calls", "Fréchet distance", "class agreement", "images"],
            row("teacher", result.teacher),
            row("student", result.student),
            [
                "student / teacher", "",
                result.studentToTeacher.frechetDistance.map(NumberText.figure) ?? "-",
                result.studentToTeacher.classAgreement.map(NumberText.share) ?? "-",
                "",
            ],
        ])
    }

    /// The same for points of a known mixture; fresh data are what the energy distances compare with.
    ///
    ///                  network calls   modes found   worst weight error   energy distance
    ///     fresh data                                                              3.12e-04
    ///     teacher                 35        8 of 8                0.041           3.30e-04
    ///     student                  1        8 of 8                0.093           4.80e-04
    package static func text(_ result: PointEvaluationResult) -> String {
        func row(_ name: String, _ generator: PointEvaluationResult.Generator) -> [String] {
            [
                name, NumberText.count(generator.networkCalls), "\(generator.modesFound) of \(result.modes)",
                NumberText.share(generator.worstWeightError), NumberText.figure(generator.energyDistance),
            ]
        }
        return align([
            ["", "network calls", "modes found", "worst weight error", "energy distance"],
            ["fresh data", "", "", "", NumberText.figure(result.energyDistanceOfFreshData)],
            row("teacher", result.teacher),
            row("student", result.student),
        ])
    }

    private static func row(_ name: String, _ generator: EvaluationResult.Generator) -> [String] {
        [
            name, NumberText.count(generator.networkCalls), NumberText.figure(generator.frechetDistance),
            NumberText.share(generator.classAgreement), NumberText.count(generator.images),
        ]
    }

    /// Sets the first column left and the others right, each as wide as its widest cell.
    private static func align(_ rows: [[String]]) -> String {
        let columns = rows[0].indices
        let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            let cells = columns.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }
            return cells.joined(separator: "   ")
        }
        return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
    }
}
