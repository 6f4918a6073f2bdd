/// What an evaluation found, and the shape of `evaluation.json`.
package struct EvaluationResult: Codable, Sendable, Equatable {
    /// How one generator did.
    package struct Generator: Codable, Sendable, Equatable {
        /// Evaluations of the network for one image.
        package var networkCalls: Int
        /// Fréchet distance to the real images, in squared units of the features; lower is better.
        package var frechetDistance: Double
        /// Share of images, 0 to 1, that the classifier takes for the class asked for.
        package var classAgreement: Double
        /// The number of images generated.
        package var images: Int

        /// The figures of one generator.
        package init(networkCalls: Int, frechetDistance: Double, classAgreement: Double, images: Int) {
            self.networkCalls = networkCalls
            self.frechetDistance = frechetDistance
            self.classAgreement = classAgreement
            self.images = images
        }

        private enum CodingKeys: String, CodingKey {
            case networkCalls = "network_calls"
            case frechetDistance = "frechet_distance"
            case classAgreement = "class_agreement"
            case images
        }
    }

    /// The student's figures over the teacher's; one is absent where the teacher's is zero.
    package struct Ratios: Codable, Sendable, Equatable {
        /// Ratio of the Fréchet distances; 1 is as good as the teacher, lower is better.
        package let frechetDistance: Double?
        /// Ratio of the class agreements; 1 is as good as the teacher, higher is better.
        package let classAgreement: Double?

        fileprivate init(of student: Generator, to teacher: Generator) {
            func ratio(_ figure: (Generator) -> Double) -> Double? {
                figure(teacher) == 0 ? nil : figure(student) / figure(teacher)
            }
            frechetDistance = ratio(\.frechetDistance)
            classAgreement = ratio(\.classAgreement)
        }

        private enum CodingKeys: String, CodingKey {
            case frechetDistance = "frechet_distance"
            case classAgreement = "class_agreement"
        }
    }

    /// The classifier that both figures come from.
    package struct Classifier: Codable, Sendable, Equatable {
        /// Share of real images, 0 to 1, kept out of its training, that it classifies right.
        package var heldOutAccuracy: Double

        /// The figures of the classifier.
        package init(heldOutAccuracy: Double) { self.heldOutAccuracy = heldOutAccuracy }

        private enum CodingKeys: String, CodingKey {
            case heldOutAccuracy = "held_out_accuracy"
        }
    }

    /// The teacher, sampled with many network calls.
    package let teacher: Generator
    /// The student.
    package let student: Generator
    /// The student's figures over the teacher's.
    package let studentToTeacher: Ratios
    /// The classifier.
    package let classifier: Classifier
    /// What the features are, in words.
    package let features: String
    /// The seed of the generated images.
    package let seed: UInt64

    /// The result, with the ratios worked out.
    package init(teacher: Generator, student: Generator, classifier: Classifier, features: String, seed: UInt64) {
        self.teacher = teacher
        self.student = student
        studentToTeacher = Ratios(of: student, to: teacher)
        self.classifier = classifier
        self.features = features
        self.seed = seed
    }

    private enum CodingKeys: String, CodingKey {
        case teacher, student, classifier, features, seed
        case studentToTeacher = "student_to_teacher"
    }

    /// The text of `evaluation.json`. Traps: if a figure is not finite.
    package var json: String { evaluationText(of: self) }
}
