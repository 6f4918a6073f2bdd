import Datasets
import Testing

struct SampleOrderTests {
    @Test(
        "Every epoch visits every sample exactly once",
        arguments: [1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 1797], [0, 1, 0xFFFF_FFFF_FFFF_FFFF] as [UInt64])
    func permutation(count: Int, seed: UInt64) {
        let order = SampleOrder(seed: seed, count: count)
        for epoch in 0..<3 {
            let samples = (epoch * count..<(epoch + 1) * count).map(order.sample(at:))
            let epochs = samples.map(\.epoch)
            #expect(epochs == Array(repeating: epoch, count: count))
            #expect(samples.map(\.index).sorted() == Array(0..<count))
        }
    }

    @Test("Epochs and seeds have orders of their own")
    func independence() {
        func epoch(_ number: Int, seed: UInt64) -> [Int] {
            let order = SampleOrder(seed: seed, count: 1797)
            return (0..<1797).map { order.sample(at: number * 1797 + $0).index }
        }
        let orders = [epoch(0, seed: 1), epoch(1, seed: 1), epoch(2, seed: 1), epoch(0, seed: 2), epoch(1, seed: 0)]
        for (first, second) in orders.indices.flatMap({ a in orders.indices.dropFirst(a + 1).map { (a, $0) } }) {
            // Independent permutations agree in one place on average; eight or more has a probability of 1e-5.
            let agreeing = zip(orders[first], orders[second]).count { $0 == $1 }
            #expect(agreeing < 8, "orders \(first) and \(second)")
        }
    }

    @Test("Samples are spread evenly over the places of an epoch")
    func uniformity() {
        // 16 samples x 16 places over 4,096 epochs: 256 expected in each cell, standard deviation 15.5.
        let order = SampleOrder(seed: 3, count: 16)
        var cells = Array(repeating: 0, count: 256)
        for index in 0..<16 * 4096 { cells[index % 16 * 16 + order.sample(at: index).index] += 1 }
        #expect(cells.allSatisfy { abs($0 - 256) < 6 * 16 })
    }

    @Test("The sequence does not depend on how it is cut into batches or shared between ranks", arguments: 1...4)
    func batches(rankCount: Int) {
        let order = SampleOrder(seed: 5, count: 50)
        let sequence = (0..<240).map { order.sample(at: $0).index }
        var assembled = Array(repeating: -1, count: 240)
        for rank in (0..<rankCount).reversed() {
            // Each rank on its own, from a value made anew, takes its part of each batch of 24.
            let own = SampleOrder(seed: 5, count: 50)
            for batch in 0..<10 {
                for place in rank * 24 / rankCount..<(rank + 1) * 24 / rankCount {
                    assembled[batch * 24 + place] = own.sample(at: batch * 24 + place).index
                }
            }
        }
        #expect(assembled == sequence)
    }
}
