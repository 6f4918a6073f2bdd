import Checkpoints
import Foundation
import Testing

struct TensorDifferenceTests {
    let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    /// Writes a file of tensors.
    private func file(_ name: String, _ tensors: [(String, [Float])]) throws -> TensorCollection {
        let memory = tensors.map { tensor in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.1.count)
            _ = buffer.initialize(fromContentsOf: tensor.1)
            return buffer
        }
        defer { memory.forEach { $0.deallocate() } }
        let views = zip(tensors, memory).map {
            TensorView(name: $0.0, shape: [$0.1.count], elements: UnsafeBufferPointer($1))
        }
        let path = temporary.path + "/" + name
        _ = try SafetensorsFile.replace(path, by: views)
        return try TensorCollection(path: path)
    }

    @Test("Each tensor is found the same, different by so much, of another shape, or on one side only")
    func findings() throws {
        let first = try file(
            "a", [("equal", [1, -0.0]), ("moved", [2, -8]), ("longer", [1]), ("gone", [1]), ("wild", [.nan, 1])])
        let second = try file(
            "b", [("equal", [1, -0.0]), ("moved", [3, -8]), ("longer", [1, 2]), ("new", [1]), ("wild", [0, 1])])
        let found = Dictionary(
            uniqueKeysWithValues: try TensorDifference.all(between: first, and: second).map { ($0.name, $0.finding) })
        #expect(found.count == 6)
        #expect(found["equal"] == .same)
        #expect(found["moved"] == .values(maxAbsolute: 1, maxRelative: 0.125))
        #expect(found["longer"] == .shapes([1], [2]))
        #expect(found["gone"] == .onlyInFirst && found["new"] == .onlyInSecond)
        guard case .values(let absolute, _)? = found["wild"] else {
            Issue.record("a NaN on one side is no difference")
            return
        }
        #expect(absolute.isNaN)
    }

    @Test("Zeros of different signs are different bits, and no distance apart")
    func signedZero() throws {
        let differences = try TensorDifference.all(between: file("a", [("x", [0])]), and: file("b", [("x", [-0.0])]))
        #expect(differences.map(\.finding) == [.values(maxAbsolute: 0, maxRelative: 0)])
    }

    @Test("Checkpoints are compared as well, whatever number of ranks wrote them, and a damaged one is refused")
    func checkpoints() throws {
        let stores = ["one", "two"].map { CheckpointStore(folder: temporary.path + "/" + $0) }
        try SampleState.save(step: 5, rankCount: 1, in: stores[0])
        try SampleState.save(step: 5, rankCount: 3, in: stores[1])
        let paths = stores.map { $0.folder + "/step-00000005" }
        let differences = try TensorDifference.all(
            between: TensorCollection(path: paths[0]), and: TensorCollection(path: paths[1]))
        #expect(differences.map(\.finding) == [.same, .same, .same])
        try temporary.write([], to: "two/step-00000005/COMMITTED")
        #expect(throws: CheckpointError.self) { try TensorCollection(path: paths[1]) }
    }
}
