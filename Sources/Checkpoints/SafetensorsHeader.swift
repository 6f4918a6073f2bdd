import Foundation

/// The element types of the safetensors format that we read, under the format's names.
package enum ElementType: String, Codable, Sendable {
    /// IEEE 754 binary32.
    case float32 = "F32"
    /// IEEE 754 binary64.
    case float64 = "F64"
    /// Two's complement, 64 bits.
    case int64 = "I64"

    /// Bytes per element.
    package var byteCount: Int { self == .float32 ? 4 : 8 }
}

/// Where and how one tensor lies in a safetensors file.
package struct SafetensorsEntry: Sendable, Equatable {
    /// The type of the elements.
    package var type: ElementType
    /// The extents, slowest index first.
    package var shape: [Int]
    /// The position of the values, in bytes from the end of the header.
    package var byteRange: Range<Int>

    /// The number of elements.
    package var elementCount: Int { byteRange.count / type.byteCount }
}

/// The JSON part of a safetensors file: name -> type, shape, position, and free text under `__metadata__`.
struct SafetensorsHeader {
    var entries: [String: SafetensorsEntry] = [:]
    var metadata: [String: String] = [:]

    private static let metadataKey = "__metadata__"

    private struct EntryRecord: Codable {
        var dtype: String
        var shape: [Int]
        var dataOffsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype
            case shape
            case dataOffsets = "data_offsets"
        }
    }

    private enum Record: Codable {
        case entry(EntryRecord)
        case metadata([String: String])

        init(from decoder: any Decoder) throws {
            let isMetadata = decoder.codingPath.last?.stringValue == SafetensorsHeader.metadataKey
            self = isMetadata ? .metadata(try .init(from: decoder)) : .entry(try .init(from: decoder))
        }

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .entry(let entry): try entry.encode(to: encoder)
            case .metadata(let metadata): try metadata.encode(to: encoder)
            }
        }
    }
}

extension SafetensorsHeader {
    /// Why a header was refused; the caller knows the file.
    struct Fault: Error {
        var reason: String
    }

    /// Decodes and checks a header. The tensors must fill the `dataByteCount` bytes that follow it exactly.
    init(json: [UInt8], dataByteCount: Int) throws(Fault) {
        let records: [String: Record]
        do {
            records = try JSONDecoder().decode([String: Record].self, from: Data(json))
        } catch {
            throw Fault(reason: "its header is not the JSON of a safetensors file")
        }
        for (name, record) in records {
            switch record {
            case .metadata(let text): metadata = text
            case .entry(let entry):
                do {
                    entries[name] = try Self.checked(entry, dataByteCount: dataByteCount)
                } catch {
                    throw Fault(reason: "tensor \(name): \(error.reason)")
                }
            }
        }
        try checkCoverage(dataByteCount: dataByteCount)
    }

    private static func checked(_ entry: EntryRecord, dataByteCount: Int) throws(Fault) -> SafetensorsEntry {
        guard let type = ElementType(rawValue: entry.dtype) else {
            throw Fault(reason: "element type \(entry.dtype) is not one of F32, F64, I64")
        }
        guard entry.dataOffsets.count == 2, entry.dataOffsets[0] >= 0, entry.dataOffsets[0] <= entry.dataOffsets[1],
            entry.dataOffsets[1] <= dataByteCount
        else { throw Fault(reason: "position \(entry.dataOffsets) is outside the \(dataByteCount) bytes of data") }
        var byteCount = type.byteCount
        for extent in entry.shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { throw Fault(reason: "shape \(entry.shape) is not possible") }
            byteCount = product
        }
        let range = entry.dataOffsets[0]..<entry.dataOffsets[1]
        guard range.count == byteCount else {
            throw Fault(reason: "\(range.count) bytes for shape \(entry.shape) of \(type.rawValue)")
        }
        return SafetensorsEntry(type: type, shape: entry.shape, byteRange: range)
    }

    private func checkCoverage(dataByteCount: Int) throws(Fault) {
        var end = 0
        let inOrder = entries.values.map(\.byteRange).sorted {
            ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound)
        }
        for range in inOrder {
            guard range.lowerBound == end else {
                throw Fault(reason: "tensors overlap or leave a gap at byte \(min(range.lowerBound, end)) of the data")
            }
            end = range.upperBound
        }
        guard end == dataByteCount else {
            throw Fault(reason: "its header describes \(end) bytes of data, there are \(dataByteCount)")
        }
    }

    /// The header's bytes, padded with spaces so that the data begins at a multiple of 8.
    func encoded() throws(Fault) -> [UInt8] {
        var records = entries.mapValues { entry in
            Record.entry(
                EntryRecord(
                    dtype: entry.type.rawValue, shape: entry.shape,
                    dataOffsets: [entry.byteRange.lowerBound, entry.byteRange.upperBound]))
        }
        if !metadata.isEmpty { records[Self.metadataKey] = .metadata(metadata) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            var json = [UInt8](try encoder.encode(records))
            json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
            return json
        } catch {
            throw Fault(reason: "its header cannot be written as JSON: \(error)")
        }
    }
}
