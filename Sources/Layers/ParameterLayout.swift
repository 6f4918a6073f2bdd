/// How a weight starts.
package enum Initializer: Sendable, Equatable {
    case zeros
    case ones
    /// Uniform in ±bound.
    case uniform(bound: Float)
    /// Normal with mean 0 and this standard deviation.
    case normal(deviation: Float)
}

/// The names, shapes and places of a network's weights in one flat buffer.
///
/// Names are dotted and stable (`model.enc.8x8_block0.conv0.weight`), shapes and element order are PyTorch's, so a
/// state dict loads as it is. Each weight starts on a multiple of sixteen floats; the gaps stay zero.
package struct ParameterLayout: Sendable, Equatable {
    /// One weight.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let shape: [Int]
        /// The first element's index in the flat buffer.
        package let offset: Int
        package let initializer: Initializer
        /// False for a number that the network draws once and keeps, such as random frequencies: optimisers leave it alone.
        package let isTrained: Bool
        /// The number of elements.
        package var count: Int { shape.reduce(1, *) }
    }

    package private(set) var entries: [Entry] = []
    /// The floats of the flat buffer, gaps included.
    package private(set) var elementCount = 0

    package init() {}

    /// The number of weights proper, gaps left out.
    package var parameterCount: Int { entries.reduce(0) { $0 + $1.count } }

    /// The runs of the flat buffer that are trained, gaps included; one run where everything is.
    package var trainedRanges: [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        for (index, entry) in entries.enumerated() where !entry.isTrained {
            if start < entry.offset { ranges.append(start..<entry.offset) }
            start = index + 1 < entries.count ? entries[index + 1].offset : elementCount
        }
        if start < elementCount { ranges.append(start..<elementCount) }
        return ranges
    }

    /// Adds a weight and returns its index.
    ///
    /// Traps: if the name is taken.
    package mutating func add(
        _ name: String, _ shape: [Int], _ initializer: Initializer, isTrained: Bool = true
    ) -> Int {
        precondition(!entries.contains { $0.name == name }, "ParameterLayout.add: \(name) is there already")
        entries.append(
            Entry(name: name, shape: shape, offset: elementCount, initializer: initializer, isTrained: isTrained))
        elementCount += (shape.reduce(1, *) + 15) / 16 * 16
        return entries.count - 1
    }
}
