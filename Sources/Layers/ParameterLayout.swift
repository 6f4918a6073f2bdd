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
        /// The number of elements.
        package var count: Int { shape.reduce(1, *) }
    }

    package private(set) var entries: [Entry] = []
    /// The floats of the flat buffer, gaps included.
    package private(set) var elementCount = 0

    package init() {}

    /// The number of weights proper, gaps left out.
    package var parameterCount: Int { entries.reduce(0) { $0 + $1.count } }

    /// Adds a weight and returns its index.
    ///
    /// Traps: if the name is taken.
    package mutating func add(_ name: String, _ shape: [Int], _ initializer: Initializer) -> Int {
        precondition(!entries.contains { $0.name == name }, "ParameterLayout.add: \(name) is there already")
        entries.append(Entry(name: name, shape: shape, offset: elementCount, initializer: initializer))
        elementCount += (shape.reduce(1, *) + 15) / 16 * 16
        return entries.count - 1
    }
}
