import Distillation
import Messaging

/// What a single value must satisfy, whatever the others are.
struct ConfigurationRule<Value: Sendable>: Sendable {
    /// What is wrong with a value ("0 is less than 1"), or nil.
    let problem: @Sendable (Value) -> String?

    /// Every value of the type will do.
    static var any: Self { Self { _ in nil } }
}

extension ConfigurationRule where Value: Comparable & ConfigurationValue {
    static func atLeast(_ bound: Value) -> Self {
        Self { $0 < bound ? "\($0.yaml) is less than \(bound.yaml)" : nil }
    }

    static func within(_ range: ClosedRange<Value>) -> Self {
        Self { range.contains($0) ? nil : "\($0.yaml) is outside \(range.lowerBound.yaml) to \(range.upperBound.yaml)" }
    }
}

extension ConfigurationRule where Value == Double {
    static var positive: Self { Self { $0 > 0 ? nil : "\($0.yaml) is not greater than 0" } }

    static var notNegative: Self { Self { $0 < 0 ? "\($0.yaml) is negative" : nil } }

    /// A moving average's decay, which with 1 would never forget, or a share that leaves something.
    static var belowOne: Self {
        Self { (0..<1).contains($0) ? nil : "\($0.yaml) is outside 0 up to but not including 1" }
    }
}

extension ConfigurationRule where Value == Int {
    static var powerOfTwo: Self {
        Self { $0 > 0 && $0 & ($0 - 1) == 0 ? nil : "\($0) is not a power of two" }
    }

    static func multiple(of divisor: Int) -> Self {
        Self { $0 > 0 && $0.isMultiple(of: divisor) ? nil : "\($0) is not a multiple of \(divisor)" }
    }
}

extension ConfigurationRule where Value == UpdateRatio {
    static var ratio: Self {
        Self { $0.first < 1 ? "\($0.yaml) is less than 1" : nil }
    }
}

extension ConfigurationRule where Value == [Int] {
    static var positiveElements: Self {
        Self { list in list.first { $0 < 1 }.map { "\($0) is less than 1" } }
    }

    static var notEmpty: Self {
        Self { $0.isEmpty ? "the list is empty" : positiveElements.problem($0) }
    }
}

extension ConfigurationRule where Value == [Double] {
    /// Decays of moving averages, all different.
    static var decays: Self {
        Self { list in
            if let problem = list.lazy.compactMap({ ConfigurationRule<Double>.belowOne.problem($0) }).first {
                return problem
            }
            return list.enumerated().first { list[..<$0].contains($1) }.map { "\($1.yaml) is given twice" }
        }
    }

    /// Noise levels: at least one, all positive, each below the one before. Judged as the float32 that they are computed
    /// with, of which two may be equal that are not as written.
    static var descending: Self {
        Self { list in
            if list.isEmpty { return "the list is empty" }
            if let bad = list.first(where: { Float($0) <= 0 }) {
                return bad <= 0 ? "\(bad.yaml) is not greater than 0" : "\(bad.yaml) is 0 in float32"
            }
            return zip(list, list.dropFirst()).first { Float($0) <= Float($1) }
                .map { "\($1.yaml) after \($0.yaml) does not descend" }
        }
    }
}

extension ConfigurationRule where Value == String {
    static var notEmpty: Self { Self { $0.isEmpty ? "the text is empty" : nil } }

    /// Empty, or an absolute path in which `{host}` may stand.
    static var pathOnHostOrEmpty: Self {
        Self { path in
            guard path.isEmpty || path.hasPrefix("/") else { return "\(path.yaml) does not begin with a slash" }
            let rest = path.replacing("{host}", with: "")
            return rest.contains { "{}".contains($0) } ? "\(path.yaml) has braces around something else than host" : nil
        }
    }

    /// A name becomes part of a path and of one line of output.
    static var name: Self {
        Self { name in
            let isAllowed = name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789_.-".unicodeScalars.contains($0))
            }
            return name.isEmpty || name.hasPrefix(".") || !isAllowed
                ? "\(name.yaml) is not a name of letters, digits, '-', '_' and '.'" : nil
        }
    }

    /// A SHA-256 as `sha256sum` prints it, or nothing.
    static var hashOrEmpty: Self {
        Self { text in
            text.isEmpty || text.utf8.count == 64 && text.allSatisfy { "0123456789abcdef".contains($0) }
                ? nil : "\(text.yaml) is not a SHA-256 of 64 lower-case hexadecimal digits"
        }
    }

    static var hostOrEmpty: Self {
        Self { $0.isEmpty || Endpoint.isHost($0) ? nil : "\($0.yaml) is no name or IPv4 address of a machine" }
    }

    static var httpEndpointOrEmpty: Self {
        Self {
            $0.isEmpty || HTTPEndpoint($0) != nil
                ? nil : "\($0.yaml) is not of the form 127.0.0.1:PORT (PORT * takes any free port)"
        }
    }

    static var endpoint: Self {
        Self { text in
            do throws(MessagingError) {
                _ = try Endpoint(text)
                return nil
            } catch {
                return error.description
            }
        }
    }
}
