/// What the student updates of a stage measured, by step. Metrics may come in any order and again after a restart.
package struct StudentHistory: Equatable, Sendable {
    /// One student update's values; what was not measured is missing.
    package struct Update: Equatable, Sendable {
        private var values = [Double?](repeating: nil, count: StudentMetric.allCases.count)

        /// An update of which nothing is known.
        package init() {}

        /// The value of a metric, nil while it has not arrived or if the run does not measure it.
        package subscript(metric: StudentMetric) -> Double? {
            get { values[metric.ordinal] }
            set { values[metric.ordinal] = newValue }
        }

        /// True if all of these have arrived.
        package func has(_ metrics: [StudentMetric]) -> Bool { metrics.allSatisfy { self[$0] != nil } }
    }

    private var updates: [Int: Update] = [:]
    /// The steps of the updates, ascending.
    private var steps: [Int] = []

    /// Nothing measured yet.
    package init() {}

    /// Takes in the rows that are a student update's; rows of critic-only steps and other metrics are left out.
    package mutating func add(_ row: MetricRow) {
        guard let metric = StudentMetric(rawValue: row.name) else { return }
        if updates[row.step] == nil {
            // The head is measured on every step; only beside a student update does it belong here.
            guard metric.isOfStudent else { return }
            // Nearly always at the end.
            steps.insert(row.step, at: (steps.lastIndex { $0 < row.step } ?? -1) + 1)
        }
        updates[row.step, default: Update()][metric] = row.value
    }

    /// The update at a step; nil if it was none or is not known.
    package subscript(step step: Int) -> Update? { updates[step] }

    /// The first update that is known; nil before any is.
    package var first: Update? { steps.first.flatMap { updates[$0] } }

    /// The steps of the last updates, ascending, at most `count` of them: those of which these metrics have arrived.
    package func lastSteps(_ count: Int, having metrics: [StudentMetric]) -> [Int] {
        steps.reversed().lazy.filter { updates[$0]?.has(metrics) == true }.prefix(count).reversed()
    }

    /// Forgets the updates from a step on: they will be made again.
    package mutating func forget(from step: Int) {
        updates = updates.filter { $0.key < step }
        steps.removeAll { $0 >= step }
    }
}

extension StudentMetric {
    /// The case's place among all.
    fileprivate var ordinal: Int {
        switch self {
        case .brightness: 0
        case .dataBrightness: 1
        case .brightnessSquare: 2
        case .contrast: 3
        case .dataContrast: 4
        case .criticError: 5
        case .teacherError: 6
        case .matchingGradient: 7
        case .ganGradient: 8
        case .headLoss: 9
        case .realLogit: 10
        case .generatedLogit: 11
        }
    }

    fileprivate var isOfStudent: Bool { ordinal < 9 }
}
