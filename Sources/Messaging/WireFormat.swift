package import Foundation

/// How a value travels: frame 0 is `SWDM/1` (name and major version), frame 1 is JSON. Unknown JSON fields are
/// ignored, so fields may be added without a new version.
package enum WireFormat {
    /// The largest frame any peer accepts, bytes.
    package static let maximumBytes = 1 << 20

    static let version = [UInt8]("SWDM/1".utf8)

    /// The JSON of a value, with sorted keys. Infinities and NaN, which JSON lacks, become strings.
    package static func encode(_ value: some Encodable) throws(MessagingError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do { return try encoder.encode(value) } catch { throw .unwritable(reason: oneLine(error)) }
    }

    /// Reads what `encode` wrote.
    package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws(MessagingError) -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do { return try decoder.decode(type, from: data) } catch { throw .unreadable(reason: oneLine(error)) }
    }

    /// The frames of a message. Throws `tooLarge` beyond the size any peer accepts.
    package static func frames(of value: some Encodable) throws(MessagingError) -> [[UInt8]] {
        let body = try encode(value)
        guard body.count <= maximumBytes else { throw .tooLarge(bytes: body.count) }
        return [version, [UInt8](body)]
    }

    /// Reads what `frames` wrote.
    package static func value<Value: Decodable>(
        _ type: Value.Type, of frames: ArraySlice<[UInt8]>
    ) throws(MessagingError) -> Value {
        guard frames.count == 2, let head = frames.first, let body = frames.last else {
            throw .unreadable(reason: "\(frames.count) frames instead of 2")
        }
        guard head == version else {
            throw .unreadable(reason: "not \(String(decoding: version, as: UTF8.self))")
        }
        guard body.count <= maximumBytes else { throw .unreadable(reason: "\(body.count) bytes") }
        return try decode(type, from: Data(body))
    }

    private static func oneLine(_ error: any Error) -> String {
        let text =
            switch error {
            case DecodingError.dataCorrupted(let context), DecodingError.keyNotFound(_, let context),
                DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
                context.debugDescription
            default: "\(error)"
            }
        return String(text.prefix(200).map { $0.isNewline ? " " : $0 })
    }
}
