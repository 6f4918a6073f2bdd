/// What the teacher's pairs of a run depend on. Pairs of another identity are other pairs.
package struct PairIdentity: Sendable, Equatable {
    /// SHA-256 of the teacher's weights, as hexadecimal digits.
    package let teacher: String
    /// The noise level the student starts from, and the teacher's sampler too.
    package let sigma: Double
    /// Heun steps of the teacher's sampler.
    package let heunSteps: Int
    /// Scale of the teacher's guidance.
    package let guidance: Double
    /// Seed of the noise.
    package let seed: UInt64

    package init(teacher: String, sigma: Double, heunSteps: Int, guidance: Double = 1, seed: UInt64) {
        (self.teacher, self.sigma, self.heunSteps) = (teacher, sigma, heunSteps)
        (self.guidance, self.seed) = (guidance, seed)
    }

    /// As it stands in a file, by what people call it.
    var metadata: [String: String] {
        [
            "teacher.sha256": teacher, "sigma": "\(sigma)", "heun_steps": String(heunSteps),
            "guidance": "\(guidance)", "seed": String(seed),
        ]
    }
}
