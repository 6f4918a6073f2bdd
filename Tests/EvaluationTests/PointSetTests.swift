import Evaluation
import Testing

struct PointSetTests {
    @Test("The energy distance of two small sets is worked out by hand")
    func byHand() {
        // X = {0, 1}, Y = {0, 3} on a line: E|X-Y| = (0+3+1+2)/4, E|X-X'| = 2/4, E|Y-Y'| = 6/4.
        let distance = EnergyDistance(to: [0, 3], dimensions: 1).of([0, 1])
        #expect(abs(distance - (2 * 1.5 - 0.5 - 1.5)) < 1e-6)
        // In the plane: {(0,0)} and {(3,4)} are 5 apart.
        #expect(EnergyDistance(to: [0, 0], dimensions: 2).of([3, 4]) == 10)
    }

    @Test("Equal sets are at no distance, in whatever order and however often repeated")
    func equalSets() {
        let points: [Float] = [0.1, 0.7, -0.3, 0.2, 0.5, -0.9]
        let distance = EnergyDistance(to: points, dimensions: 2)
        // Sums of floats of about 1: a few roundings of 6e-8.
        #expect(distance.of(Array(points[2...] + points[..<2])) < 1e-6)
        #expect(distance.of(points + points) < 1e-6)
    }

    private let modes = [
        ModeCoverage.Mode(weight: 0.75, centre: [-1, 0], deviation: 0.1),
        ModeCoverage.Mode(weight: 0.25, centre: [1, 0], deviation: 0.1),
    ]

    @Test("Shares go to the nearest mode, and the worst error is relative to the weight")
    func shares() {
        let coverage = ModeCoverage(of: [-1, 0, -1.1, 0.1, -0.9, 0, 1, 0.2, 1, 0], modes: modes)
        #expect(coverage.shares == [0.6, 0.4])
        #expect(coverage.found == 2)
        // 0.75 became 0.6, an error of 0.2; 0.25 became 0.4, one of 0.6.
        #expect(abs(coverage.worstWeightError - 0.6) < 1e-12)
    }

    @Test("A mode without enough points within three deviations is not found, however many lie around it")
    func lostMode() {
        #expect(ModeCoverage(of: [-1, 0, -1, 0, -1, 0, 1.5, 0], modes: modes).found == 1)
        #expect(ModeCoverage(of: [-1, 0, -1, 0, -1, 0, -1, 0], modes: modes).found == 1)
    }

    @Test("A point darkens its own place, with the second coordinate upwards, and one outside none")
    func scatter() {
        var plot = ScatterPlot()
        (plot.side, plot.reach) = (100, 1)
        let raster = plot.draw([[0.5, 0.5, 3, 0], [-0.5, -0.5]])
        #expect(raster.width == 2 * 100 + 3 * 8 && raster.height == 100 + 16 && raster.channels == 1)
        func sample(_ panel: Int, x: Int, y: Int) -> UInt8 {
            raster.samples[(8 + y) * raster.width + 8 + panel * 108 + x]
        }
        #expect(sample(0, x: 75, y: 25) == 170 && sample(0, x: 25, y: 75) == 255 && sample(0, x: 99, y: 50) == 255)
        #expect(sample(1, x: 25, y: 75) == 170 && sample(1, x: 75, y: 25) == 255)
    }
}
