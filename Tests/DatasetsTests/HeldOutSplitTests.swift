import Datasets
import Testing

struct HeldOutSplitTests {
    @Test("A fifth is held out, nothing is in both parts, and the split is always the same")
    func split() {
        let split = HeldOutSplit(count: 1797, seed: 1)
        #expect(split.heldOut.count == 360)
        #expect((split.training + split.heldOut).sorted() == Array(0..<1797))
        #expect(split == HeldOutSplit(count: 1797, seed: 1))
        #expect(split != HeldOutSplit(count: 1797, seed: 2))
    }

    @Test("The held-out digits are of all classes in near equal numbers")
    func classes() throws {
        let digits = try DigitsRecords.embedded()
        let heldOut = digits.selecting(HeldOutSplit(count: digits.count, seed: 1).heldOut)
        for digit in 0..<10 {
            // 36 expected, standard deviation below 5.4: within four of those.
            let count = heldOut.labels.count { $0 == digit }
            #expect((15...57).contains(count), "digit \(digit)")
        }
    }
}
