/// Metrics that travel as columns: a list of steps and one of values for each metric, so that its stage and name are
/// said once and not with every value, and each list as one string. Who writes and who reads them uses the cores of the
/// training, and a decoder of JSON takes microseconds for every number that it finds.
///
/// They come back stage by stage as the stages first occur, within a stage by step, within a step by column. Rows that
/// were in such an order come back in it.
@propertyWrapper package struct MetricColumns: Equatable, Sendable {
    /// The metrics, in memory.
    package var wrappedValue: [MetricRow]

    /// Metrics to be sent.
    package init(wrappedValue: [MetricRow]) { self.wrappedValue = wrappedValue }
}

private struct Column: Codable {
    var stage: String
    var name: String
    var steps: NumberList<Int>
    var values: NumberList<Double>
}

/// Numbers as one string, with a space between them; each is read back as the number it was.
private struct NumberList<Number: LosslessStringConvertible>: Codable {
    var numbers: [Number]

    init(_ numbers: [Number]) { self.numbers = numbers }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // By bytes: finding where one character of a text ends and the next begins takes longer than reading the number.
        let texts = try container.decode(String.self).utf8.split(separator: UInt8(ascii: " ")).map(Substring.init)
        numbers = try texts.map { text in
            guard let number = Number(String(text)) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "no \(Number.self): \(text.prefix(40))")
            }
            return number
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(numbers.map(\.description).joined(separator: " "))
    }
}

extension MetricColumns: Codable {
    /// Reads columns. Throws a `DecodingError` if a column has not as many steps as values.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let columns = try container.decode([Column].self)
        if let column = columns.first(where: { $0.steps.numbers.count != $0.values.numbers.count }) {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "metric \(column.name): \(column.steps.numbers.count) steps, "
                    + "\(column.values.numbers.count) values")
        }
        wrappedValue = Self.rows(of: columns)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Self.columns(of: wrappedValue))
    }

    /// The columns of rows, in the order in which their metrics first occur.
    private static func columns(of rows: [MetricRow]) -> [Column] {
        var places: [String: [String: Int]] = [:]
        var columns: [Column] = []
        for row in rows {
            if let place = places[row.stage]?[row.name] {
                columns[place].steps.numbers.append(row.step)
                columns[place].values.numbers.append(row.value)
            } else {
                places[row.stage, default: [:]][row.name] = columns.count
                columns.append(
                    Column(
                        stage: row.stage, name: row.name, steps: NumberList([row.step]),
                        values: NumberList([row.value])))
            }
        }
        return columns
    }

    private static func rows(of columns: [Column]) -> [MetricRow] {
        var stages: [String] = []
        for column in columns where !stages.contains(column.stage) { stages.append(column.stage) }
        return stages.flatMap { stage in
            let rows = columns.enumerated().filter { $1.stage == stage }.flatMap { place, column in
                zip(column.steps.numbers, column.values.numbers).map { step, value in
                    (place, MetricRow(stage: stage, step: step, name: column.name, value: value))
                }
            }
            return rows.sorted { ($0.1.step, $0.0) < ($1.1.step, $1.0) }.map(\.1)
        }
    }
}
