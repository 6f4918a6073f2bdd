import Testing
import Training

struct DataCheckTests {
    private func labels(_ labels: [Int], classes: Int = 3, isConditional: Bool = true) -> Finding {
        DataCheck.labels(labels, classes: classes, isConditional: isConditional)
    }

    @Test("Labels that are all among the classes, none rare, are fine")
    func sound() {
        let finding = labels([0, 1, 2, 2, 1, 0, 0])
        #expect(finding == Finding(.ok, "labels", "7 images, labels 0 to 2, 2 to 3 images each"))
    }

    @Test("A label outside the classes fails, with the image it is of", arguments: [3, -1])
    func outside(label: Int) {
        let finding = labels([0, 1, 2, label])
        #expect(finding.outcome == .failed)
        #expect(finding.measured == "image 4 has label \(label), not one of 0 to 2")
    }

    @Test("A class without an image fails; where the network sees no labels it is only a warning")
    func emptyClass() {
        #expect(labels([0, 2, 2]).outcome == .failed)
        #expect(labels([0, 2, 2]).measured.hasSuffix("none of label 1"))
        #expect(labels([0, 0], classes: 4).measured.hasSuffix("none of label 1 and 2 more"))
        #expect(labels([0, 2, 2], isConditional: false).outcome == .warning)
    }

    @Test("A class with less than a tenth of its share is a warning")
    func rare() {
        // An even share of 60 images is 20: a tenth of it is 2.
        let others = (0..<58).map { 1 + $0 % 2 }
        #expect(labels([0, 0] + others).outcome == .ok)
        #expect(labels([0] + others + [1]).outcome == .warning)
    }

    private func pixels(_ pixels: [Float], isOfPoints: Bool = false, sigmaData: Double = 0.5) -> Finding {
        DataCheck.pixels(pixels, isOfPoints: isOfPoints, sigmaData: sigmaData)
    }

    @Test("Pixels within -1 to 1 are fine, with mean and deviation worked out by hand")
    func range() {
        // The mean of 0.5, 0.5, -0.5, -0.5 is 0, and so is no deviation: each is 0.5 away.
        let finding = pixels([0.5, 0.5, -0.5, -0.5])
        #expect(finding.outcome == .ok)
        #expect(
            finding.measured == "-0.500 to 0.500, mean 0, standard deviation 0.500, network.sigmaData 0.500")
    }

    @Test("Pixels outside -1 to 1, not numbers, or all the same fail; points may lie anywhere")
    func faults() {
        #expect(pixels([0, 1.01]).outcome == .failed)
        #expect(pixels([-255, 255]).outcome == .failed)
        #expect(pixels([-2, 2], isOfPoints: true, sigmaData: 2).outcome == .ok)
        #expect(pixels([0, .nan, 1]).measured == "value 2 of 3 is nan")
        #expect(pixels([0, .infinity], isOfPoints: true).outcome == .failed)
        #expect(pixels([0.3, 0.3, 0.3]).outcome == .failed)
    }

    @Test("A network that is scaled for another deviation is a warning beyond a factor of two, either way")
    func deviation() {
        #expect(pixels([1, -1], sigmaData: 0.51).outcome == .ok)
        #expect(pixels([1, -1], sigmaData: 0.49).outcome == .warning)
        #expect(pixels([0.1, -0.1], sigmaData: 0.5).outcome == .warning)
    }
}
