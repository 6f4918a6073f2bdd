import Evaluation
import Foundation
import Testing

private func result(teacherAgreement: Double = 0.5) -> EvaluationResult {
    EvaluationResult(
        teacher: .init(networkCalls: 35, frechetDistance: 4, classAgreement: teacherAgreement, images: 5000),
        student: .init(networkCalls: 1, frechetDistance: 5, classAgreement: 0.25, images: 5000),
        classifier: .init(heldOutAccuracy: 0.75), features: "64 activations", seed: 7)
}

@Test("evaluation.json has the documented keys, sorted, and reads back equal")
func evaluationJSON() throws {
    let expected = """
        {
          "classifier" : {
            "held_out_accuracy" : 0.75
          },
          "features" : "64 activations",
          "seed" : 7,
          "student" : {
            "class_agreement" : 0.25,
            "frechet_distance" : 5,
            "images" : 5000,
            "network_calls" : 1
          },
          "student_to_teacher" : {
            "class_agreement" : 0.5,
            "frechet_distance" : 1.25
          },
          "teacher" : {
            "class_agreement" : 0.5,
            "frechet_distance" : 4,
            "images" : 5000,
            "network_calls" : 35
          }
        }

        """
    #expect(result().json == expected)
    #expect(try JSONDecoder().decode(EvaluationResult.self, from: Data(expected.utf8)) == result())
}

@Test("A ratio to a teacher's zero is left out")
func undefinedRatio() {
    #expect(result(teacherAgreement: 0).studentToTeacher.classAgreement == nil)
    #expect(TerminalTable.text(result(teacherAgreement: 0)).hasSuffix("1.25                 -"))
}

@Test("The table's columns line up")
func table() {
    let expected = """
                            network calls   Fréchet distance   class agreement   images
        teacher                        35               4.00             0.500    5,000
        student                         1               5.00             0.250    5,000
        student / teacher                               1.25             0.500
        """
    #expect(TerminalTable.text(result()) == expected)
}
