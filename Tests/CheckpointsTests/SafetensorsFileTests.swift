import Checkpoints
import Foundation
import Testing

struct SafetensorsFileTests {
    let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    @Test("What is written is read back, with its metadata")
    func roundTrip() throws {
        let path = temporary.path + "/a.safetensors"
        let values: [Float] = [1, -2.5, .infinity, .leastNonzeroMagnitude, 0, 6]
        let fingerprint = try values.withUnsafeBufferPointer { elements in
            try SafetensorsFile.write(
                [
                    TensorView(name: "b/\"quoted\"", shape: [2, 3], elements: elements),
                    TensorView(name: "a", shape: [0], elements: UnsafeBufferPointer(rebasing: elements[..<0])),
                ], metadata: ["format": "pt"], to: path)
        }
        let file = try SafetensorsFile(path: path)
        #expect(try file.values("b/\"quoted\"") == values)
        #expect(try file.values("a", as: Float.self) == [])
        #expect(file.entries["b/\"quoted\""]?.shape == [2, 3])
        #expect(file.metadata == ["format": "pt"])
        let bytes = try temporary.bytes("a.safetensors")
        #expect(fingerprint.byteCount == bytes.count)
        #expect(fingerprint.sha256 == bytes.withUnsafeBytes { SHA256Hasher.hash(of: $0) })
    }

    @Test("Files of the reference implementation are read", arguments: ["adm-16", "adm-8-two-heads"])
    func fixtures(name: String) throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "DistillationTests/Fixtures/\(name).safetensors")
        let file = try SafetensorsFile(path: fixtures.path)
        #expect(!file.entries.isEmpty)
        for (name, entry) in file.entries {
            switch entry.type {
            case .float32: #expect(try file.values(name, as: Float.self).allSatisfy(\.isFinite), "\(name)")
            case .float64: #expect(try file.values(name, as: Double.self).allSatisfy(\.isFinite), "\(name)")
            case .int64: #expect(try file.values(name, as: Int64.self).count == entry.elementCount, "\(name)")
            }
        }
    }

    static let badHeaders = [
        "not JSON": "{",
        "of an unknown type": #"{"a":{"dtype":"Q7","shape":[1],"data_offsets":[0,8]}}"#,
        "outside the file": #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
        "backwards": #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        "of a negative extent": #"{"a":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}}"#,
        "of an extent that overflows":
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,8]}}"#,
        "of another size than its shape": #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
        "overlapping":
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        "with a gap": #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        "with bytes left over": #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        "with one offset": #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
    ]

    @Test("A header that is wrong in any way is refused in one line", arguments: badHeaders.keys.sorted())
    func badHeader(what: String) throws {
        let header = Array((Self.badHeaders[what] ?? "").utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        try expectDamage(length + header + Array(repeating: 0, count: 8))
    }

    @Test(
        "A header length that the file cannot hold is refused",
        arguments: [[], [1, 2, 3], [9, 0, 0, 0, 0, 0, 0, 0, 0x7B], Array(repeating: 0xFF, count: 16)] as [[UInt8]])
    func badLength(bytes: [UInt8]) throws {
        try expectDamage(bytes)
    }

    private func expectDamage(_ bytes: [UInt8]) throws {
        try temporary.write(bytes, to: "bad")
        #expect {
            try SafetensorsFile(path: temporary.path + "/bad")
        } throws: { error in
            guard case CheckpointError.damaged = error else { return false }
            return !"\(error)".contains("\n")
        }
    }

    @Test("A tensor that is absent or of another type or shape is refused")
    func mismatch() throws {
        let path = temporary.path + "/a.safetensors"
        let one: [Float] = [1, 2]
        _ = try one.withUnsafeBufferPointer {
            try SafetensorsFile.write([TensorView(name: "a", shape: [2], elements: $0)], to: path)
        }
        let file = try SafetensorsFile(path: path)
        #expect(throws: CheckpointError.self) { try file.values("b", as: Float.self) }
        #expect(throws: CheckpointError.self) { try file.values("a", as: Double.self) }
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
        defer { memory.deallocate() }
        #expect(throws: CheckpointError.self) {
            try file.read(TensorDestination(name: "a", shape: [1, 2], elements: memory))
        }
    }

    @Test("SHA-256 of the standard's example")
    func hash() {
        // FIPS 180-4, example "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(Array("abc".utf8).withUnsafeBytes { SHA256Hasher.hash(of: $0) } == expected)
    }
}
