/// A condition on several keys at once.
struct ConfigurationRelation: Sendable {
    /// The key a fault is reported at: the one a reader would change.
    let key: String

    /// The other keys it reads. It is not judged if one of the keys is faulty in itself.
    let others: [String]

    /// What is wrong and the cure, or nil.
    let problem: @Sendable (RunConfiguration) -> String?

    init(_ key: String, _ others: [String], _ problem: @escaping @Sendable (RunConfiguration) -> String?) {
        self.key = key
        self.others = others
        self.problem = problem
    }
}
