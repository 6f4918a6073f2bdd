import Diffusion
import Distillation

/// The stages a run goes through, decided by its configuration alone.
package struct StagePlan: Sendable, Equatable {
    /// Their names, in order.
    package let names: [String]

    /// The stages of a run, the last one being `last` where it is given.
    ///
    /// A probe (`run.stopAfter`) trains what weights depend on, and judges nothing. Points need no classifier.
    package init(_ configuration: RunConfiguration, upTo last: Stage? = nil) {
        let isProbe = configuration.run.stopAfter > 0
        let regresses = configuration.distil.regressionWeight > 0
        let judges = !isProbe && !configuration.network.isOfPoints
        let needsClassifier = judges || regresses && configuration.distil.regressionDistance == .features
        var stages: [Stage] = configuration.teacher.isGiven ? [] : [.teacher]
        if needsClassifier { stages.append(.classifier) }
        if regresses { stages.append(.pairs) }
        stages.append(.distil)
        if !isProbe { stages.append(.evaluate) }
        names = stages.filter { stage in last.map { stage.isAtMost($0) } ?? true }.map(\.rawValue)
    }

    /// A part of a run.
    package enum Stage: String, Sendable, CaseIterable {
        case teacher, classifier, pairs, distil, evaluate

        /// Names of stages in the order of a run; what is no stage comes last, by its name.
        package static func inOrder(_ names: [String]) -> [String] {
            func key(_ name: String) -> (Int, String) { (Self(rawValue: name)?.place ?? allCases.count, name) }
            return names.sorted { key($0) < key($1) }
        }

        private var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
        fileprivate func isAtMost(_ last: Stage) -> Bool { place <= last.place }
    }

    package func contains(_ stage: Stage) -> Bool { names.contains(stage.rawValue) }

    /// Throws a fault of the command line if a run of this plan cannot end with `last`, because it has no such stage.
    package func checkContains(_ last: Stage?) throws(ConfigurationError) {
        guard let last, !contains(last) else { return }
        let problem =
            "this run has no stage \(last.rawValue); it has \(names.joined(separator: ", "))"
            + (last == .pairs ? " (distil.regressionWeight above 0 adds the pairs)" : "")
        throw .faulty([ConfigurationFault(location: "--until", key: "", problem: problem)])
    }
}
