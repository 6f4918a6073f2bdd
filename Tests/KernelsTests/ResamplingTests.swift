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
