/// Metrics as a heartbeat carries them: a list of steps and one of values for each metric, so that its stage and name
/// are said once and not with every value. Who writes and who reads them uses the cores of the training.
struct MetricColumns: Codable, Equatable, Sendable {
    private struct Column: Codable, Equatable, Sendable {
        var stage: String
        var name: String
        var steps: [Int]
        var values: [Double]
    }

    private var columns: [Column]

    /// The columns of rows, in the order in which their metrics first occur.
    init(_ rows: [MetricRow]) {
        var places: [String: [String: Int]] = [:]
        columns = []
        for row in rows {
            if let place = places[row.stage]?[row.name] {
                columns[place].steps.append(row.step)
                columns[place].values.append(row.value)
            } else {
                places[row.stage, default: [:]][row.name] = columns.count
                columns.append(Column(stage: row.stage, name: row.name, steps: [row.step], values: [row.value]))
            }
        }
    }

    /// Reads columns. Throws a `DecodingError` if a column has not as many steps as values.
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        columns = try container.decode([Column].self)
        if let column = columns.first(where: { $0.steps.count != $0.values.count }) {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "metric \(column.name): \(column.steps.count) steps, \(column.values.count) values")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(columns)
    }

    /// The rows again: stage by stage as they first occur, within a stage by step, within a step by column. Rows that
    /// were in such an order come back in it.
    var rows: [MetricRow] {
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
