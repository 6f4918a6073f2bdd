import Communication
import Diffusion
import Distillation
import Kernels
import Yams

/// A type that a configuration key can have.
protocol ConfigurationValue: Sendable, Equatable {
    /// What the file should hold, after "is not": "a whole number".
    static var kind: String { get }

    /// The value of a YAML node, or nil if the node holds something else.
    init?(node: Node)

    /// The value in YAML, on one line.
    var yaml: String { get }
}

extension ConfigurationValue where Self: FixedWidthInteger {
    // A quoted number is text: the writer meant a string.
    init?(node: Node) {
        guard let scalar = node.scalar, scalar.isPlain, let value = Self(scalar.string) else { return nil }
        self = value
    }

    var yaml: String { String(self) }
}

extension Int: ConfigurationValue {
    static var kind: String { "a whole number" }
}

extension UInt64: ConfigurationValue {
    static var kind: String { "a whole number from 0" }
}

extension Double: ConfigurationValue {
    static var kind: String { "a number" }

    init?(node: Node) {
        guard let scalar = node.scalar, scalar.isPlain, let value = Double(scalar.string), value.isFinite else {
            return nil
        }
        self = value
    }

    var yaml: String { "\(self)" }
}

extension Bool: ConfigurationValue {
    static var kind: String { "true or false" }

    // YAML has other words for them; one of each is enough.
    init?(node: Node) {
        guard let scalar = node.scalar, scalar.isPlain, let value = Bool(scalar.string) else { return nil }
        self = value
    }

    var yaml: String { String(self) }
}

extension String: ConfigurationValue {
    static var kind: String { "text" }

    init?(node: Node) {
        guard let scalar = node.scalar, !(scalar.isPlain && scalar.string.isEmpty) else { return nil }
        self = scalar.string
    }

    var yaml: String {
        let isPlain =
            !isEmpty
            && unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789_./-".unicodeScalars.contains($0))
            }
        if isPlain && first != "-" { return self }
        let escaped = unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"", "\\": return "\\\(scalar)"
            case _ where scalar.value < 0x20:
                return "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: return String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}

/// A type that a configuration key can have a list of.
protocol ConfigurationListElement: ConfigurationValue {
    /// What the elements are: "whole numbers".
    static var plural: String { get }
}

extension Int: ConfigurationListElement {
    static var plural: String { "whole numbers" }
}

extension Double: ConfigurationListElement {
    static var plural: String { "numbers" }
}

extension Array: ConfigurationValue where Element: ConfigurationListElement {
    static var kind: String { "a list of \(Element.plural)" }

    init?(node: Node) {
        guard let sequence = node.sequence else { return nil }
        let values = sequence.compactMap { Element(node: $0) }
        guard values.count == sequence.count else { return nil }
        self = values
    }

    var yaml: String { "[" + map(\.yaml).joined(separator: ", ") + "]" }
}

/// A value that is one of a few words.
extension ConfigurationValue where Self: RawRepresentable<String> {
    init?(node: Node) {
        guard let scalar = node.scalar, let value = Self(rawValue: scalar.string) else { return nil }
        self = value
    }

    var yaml: String { rawValue }
}

extension NetworkConfiguration.Backbone: ConfigurationValue {
    static var kind: String { "a known network (\(allCases.map(\.rawValue).joined(separator: ", ")))" }
}

extension Prediction: ConfigurationValue {
    static var kind: String { "a prediction (\(allCases.map(\.rawValue).joined(separator: ", ")))" }
}

extension NoiseSchedule: ConfigurationValue {
    static var kind: String { "a noise schedule (\(allCases.map(\.rawValue).joined(separator: ", ")))" }
}

extension UpdateRatio: ConfigurationValue {
    static var kind: String { "a whole number or auto" }

    init?(node: Node) {
        if let number = Int(node: node) {
            self = .fixed(number)
        } else if node.scalar?.string == "auto" {
            self = .automatic
        } else {
            return nil
        }
    }

    var yaml: String {
        switch self {
        case .fixed(let ratio): ratio.yaml
        case .automatic: "auto"
        }
    }
}

extension ElementType: ConfigurationValue {
    static var kind: String { "float32 or bfloat16" }
}

extension DistillationConfiguration.StudentInput: ConfigurationValue {
    static var kind: String { "backwardSimulation or noisedData" }
}

extension DistillationConfiguration.RegressionDistance: ConfigurationValue {
    static var kind: String { "mse or features" }
}

extension DistillationConfiguration.Teacher: ConfigurationValue {
    static var kind: String { "network or closedForm" }
}

extension ReductionMode: ConfigurationValue {
    static var kind: String { "stable or fast" }
}

extension DataConfiguration.Source: ConfigurationValue {
    static var kind: String { "digits, mixture2d or the path of a data file" }

    init?(node: Node) {
        guard let text = String(node: node) else { return nil }
        switch text {
        case "digits": self = .digits
        case "mixture2d": self = .mixture2d
        default: self = .file(path: text)
        }
    }

    var yaml: String {
        switch self {
        case .digits: "digits"
        case .mixture2d: "mixture2d"
        case .file(let path): path.yaml
        }
    }
}

extension EvaluationConfiguration.StudentWeights: ConfigurationValue {
    static var kind: String { "average, raw or a decay" }

    init?(node: Node) {
        switch node.scalar?.string {
        case "average": self = .average
        case "raw": self = .raw
        default:
            guard let decay = Double(node: node) else { return nil }
            self = .furtherAverage(decay: decay)
        }
    }

    var yaml: String {
        switch self {
        case .average: "average"
        case .raw: "raw"
        case .furtherAverage(let decay): decay.yaml
        }
    }
}

extension Node.Scalar {
    fileprivate var isPlain: Bool { style == .plain || style == .any }
}
