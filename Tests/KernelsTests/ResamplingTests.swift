import Kernels
import Testing

@Suite struct ResamplingTests {
    private let samples = 2, height = 3, width = 2

    @Test("Upsampling repeats each pixel in a 2x2 block", arguments: [1, 3, 16, 65])
    func upsample(channels: Int) {
        let x = numbers(samples * height * width * channels, seed: 1)
        let result = Activations(unwritten: 4 * x.count)
        Resampling.upsample(
            Activations(x).pointer, into: result.pointer, samples: samples, height: height, width: width,
            channels: channels, factor: 0.25)
        let y = result.values
        #expect(y == y.indices.map { 0.25 * x[smallIndex($0, channels)] })
    }

    @Test("Downsampling sums each 2x2 block", arguments: [1, 3, 16, 65])
    func downsample(channels: Int) {
        let x = numbers(4 * samples * height * width * channels, seed: 2)
        let result = Activations(unwritten: x.count / 4)
        Resampling.downsample(
            Activations(x).pointer, into: result.pointer, samples: samples, height: height, width: width,
            channels: channels, factor: 0.25)
        let y = result.values
        var expected = y.map { _ in 0.0 }
        for index in x.indices { expected[smallIndex(index, channels)] += 0.25 * Double(x[index]) }
        // Three additions of magnitude 1.
        #expect(largestError(y, expected) < 2e-7)
    }

    @Test("The binomial filter is its definition, down and up", arguments: [(1, 0), (3, 1), (16, 1), (65, 0)])
    func binomial(channels: Int, padding: Int) {
        let (height, width, f) = (6, 8, [1.0, 3, 3, 1])
        let kernel = BinomialResampling(
            samples: samples, height: height, width: width, channels: channels, padding: padding, factor: 1 / 64)
        let (smallHeight, smallWidth) = (kernel.smallHeight, kernel.smallWidth)
        #expect((smallHeight, smallWidth) == (padding == 1 ? (3, 4) : (2, 3)))
        let large = numbers(samples * height * width * channels, seed: 5)
        let small = numbers(samples * smallHeight * smallWidth * channels, seed: 6)
        var (down, up) = (small.map { _ in 0.0 }, large.map { _ in 0.0 })
        for n in 0..<samples {
            for (i, j, c) in triples(smallHeight, smallWidth, channels) {
                for (k, l, _) in triples(4, 4, 1) {
                    let (row, column) = (2 * i + k - padding, 2 * j + l - padding)
                    guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                    let largeIndex = ((n * height + row) * width + column) * channels + c
                    let smallIndex = ((n * smallHeight + i) * smallWidth + j) * channels + c
                    down[smallIndex] += f[k] * f[l] / 64 * Double(large[largeIndex])
                    up[largeIndex] += f[k] * f[l] / 64 * Double(small[smallIndex])
                }
            }
        }
        let (downResult, upResult) = (Activations(unwritten: small.count), Activations(unwritten: large.count))
        kernel.down(Activations(large).pointer, into: downResult.pointer)
        kernel.up(Activations(small).pointer, into: upResult.pointer)
        // Sixteen additions of magnitude below 1.
        #expect(largestError(downResult.values, down) < 1e-6)
        #expect(largestError(upResult.values, up) < 1e-6)
    }

    private func triples(_ a: Int, _ b: Int, _ c: Int) -> [(Int, Int, Int)] {
        (0..<a * b * c).map { ($0 / (b * c), $0 / c % b, $0 % c) }
    }

    @Test("A slice of a concatenation is what was put there", arguments: [(1, 3), (16, 17), (65, 7)])
    func concatenateAndSlice(channelsA: Int, channelsB: Int) {
        let pixels = 259  // more than one piece of the pool
        let (a, b) = (numbers(pixels * channelsA, seed: 3), numbers(pixels * channelsB, seed: 4))
        let total = channelsA + channelsB
        let joined = Activations(unwritten: pixels * total)
        Resampling.concatenate(
            Activations(a).pointer, channelsA: channelsA, Activations(b).pointer, channelsB: channelsB,
            into: joined.pointer, pixels: pixels)
        let both = joined.values
        #expect(
            both.indices.allSatisfy {
                let (pixel, c) = ($0 / total, $0 % total)
                return both[$0] == (c < channelsA ? a[pixel * channelsA + c] : b[pixel * channelsB + c - channelsA])
            })
        let slice = Activations(unwritten: b.count)
        Resampling.slice(
            joined.pointer, totalChannels: total, offset: channelsA, channels: channelsB, into: slice.pointer,
            pixels: pixels)
        #expect(slice.values == b)
    }

    /// The element of `[N, H, W, C]` that an element of `[N, 2H, 2W, C]` belongs to.
    private func smallIndex(_ index: Int, _ channels: Int) -> Int {
        let (pixel, c) = (index / channels, index % channels)
        let (row, column) = (pixel / (2 * width), pixel % (2 * width))
        let (n, h) = (row / (2 * height), row % (2 * height))
        return ((n * height + h / 2) * width + column / 2) * channels + c
    }
}
