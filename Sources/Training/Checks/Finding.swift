/// What a check of `dmd2 doctor` came to; the keys are those of the JSON.
package struct Finding: Encodable, Sendable, Equatable {
    /// How it came out.
    package enum Outcome: String, Encodable, Sendable {
        case ok
        /// A run may go well all the same.
        case warning
        /// A run would not begin, or not come to anything.
        case failed
        /// There is nothing to check yet.
        case skipped
    }

    package let outcome: Outcome
    package let name: String
    /// The value, and the bound it was held against.
    package let measured: String
    /// What to do; nil if nothing needs to be done, or what was measured is an error that says so itself.
    package let advice: String?

    package init(_ outcome: Outcome, _ name: String, _ measured: String, advice: String? = nil) {
        (self.outcome, self.name, self.measured, self.advice) = (outcome, name, measured, advice)
    }

    // What is unknown is written as null: scripts find every key.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(name, forKey: .name)
        try container.encode(measured, forKey: .measured)
        try container.encode(advice, forKey: .advice)
    }

    private enum CodingKeys: String, CodingKey { case outcome, name, measured, advice }
}
