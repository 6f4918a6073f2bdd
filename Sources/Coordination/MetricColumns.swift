/// Metrics that travel as columns: a list of steps and one of values for each metric, so that its stage and name are
/// said once and not with every value. Who writes and who reads them uses the cores of the training.
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
    var steps: [Int]
    var values: [Double]
}

extension MetricColumns: Codable {
    /// Reads columns. Throws a `DecodingError` if a column has not as many steps as values.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let columns = try container.decode([Column].self)
        if let column = columns.first(where: { $0.steps.count != $0.values.count }) {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "metric \(column.name): \(column.steps.count) steps, \(column.values.count) values")
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
                columns[place].steps.append(row.step)
                columns[place].values.append(row.value)
            } else {
                places[row.stage, default: [:]][row.name] = columns.count
                columns.append(Column(stage: row.stage, name: row.name, steps: [row.step], values: [row.value]))
            }
        }
        return columns
    }

    private static func rows(of columns: [Column]) -> [MetricRow] {
        var stages: [String] = []
        for column in columns where !stages.contains(column.stage) { stages.append(column.stage) }
        return stages.flatMap { stage in
            let rows = columns.enumerated().filter { $1.stage == stage }.flatMap { place, column in
                zip(column.steps, column.values).map { step, value in
                    (place, MetricRow(stage: stage, step: step, name: column.name, value: value))
                }
            }
            return rows.sorted { ($0.1.step, $0.0) < ($1.1.step, $1.0) }.map(\.1)
        }
    }
}
