import Coordination

/// Rows as a sound student update reports them, with changes.
func studentRows(
    step: Int, lag: Double = 0, brightness: Double = -0.4, contrast: Double = 0.7, headLoss: Double? = 1.3,
    stage: String = "distil"
) -> [MetricRow] {
    var values: [(StudentMetric, Double)] = [
        (.brightness, brightness), (.dataBrightness, -0.4), (.brightnessSquare, brightness * brightness + 0.01),
        (.contrast, contrast), (.dataContrast, 0.7), (.criticError, 2 * (1 + lag)), (.teacherError, 2),
        (.matchingGradient, 0.5), (.ganGradient, 0.25),
    ]
    if let headLoss { values += [(.headLoss, headLoss), (.realLogit, 0.3), (.generatedLogit, -0.1)] }
    return values.map { MetricRow(stage: stage, step: step, name: $0.0.rawValue, value: $0.1) }
}

extension StudentHistory {
    /// A history of such rows.
    init(_ rows: [MetricRow]) {
        self.init()
        for row in rows { add(row) }
    }
}
