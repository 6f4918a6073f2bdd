import Evaluation
import Testing

@Test("Agreement is the diagonal's share of the confusion counts")
func agreementShare() {
    var agreement = ClassAgreement(classes: 3)
    #expect(agreement.share == 0)
    agreement.add(requested: [0, 1], logits: [2, 1, 0, 0, -1, 5])
    agreement.add(requested: [2, 1], logits: [-3, -2, -1, 0, 7, 7])
    #expect(agreement.confusion == [1, 0, 0, 0, 1, 1, 0, 0, 1])
    #expect(agreement.images == 4)
    #expect(agreement.share == 0.75)
}

@Test("Merged agreements count as if seen together")
func mergedAgreement() {
    var first = ClassAgreement(classes: 2)
    first.add(requested: [0], logits: [1, 0])
    var second = ClassAgreement(classes: 2)
    second.add(requested: [1], logits: [1, 0])
    first.merge(second)
    #expect(first.confusion == [1, 0, 1, 0])
    #expect(first.share == 0.5)
}
