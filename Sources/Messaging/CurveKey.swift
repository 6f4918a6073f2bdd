import CZeroMQ

/// One half of a CURVE key pair: 32 bytes, written as 40 characters of Z85 (ZeroMQ's RFC 32).
package struct CurveKey: Hashable, Sendable {
    static let byteCount = 32
    static let characterCount = 40

    /// The key as ZeroMQ's options take it.
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a key of \(bytes.count) bytes instead of \(Self.byteCount)")
        self.bytes = bytes
    }

    /// Reads 40 characters; nil if they are no key.
    init?(_ text: String) {
        // The library's decoder trusts its argument's length and looks up every character in a table.
        guard text.utf8.count == Self.characterCount, text.utf8.allSatisfy({ (33...125).contains($0) }) else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        guard zmq_z85_decode(&bytes, text) != nil else { return nil }
        self.bytes = bytes
    }

    /// The public half that belongs to this secret one.
    func publicHalf(writtenAs text: String) throws(MessagingError) -> CurveKey {
        var characters = [CChar](repeating: 0, count: Self.characterCount + 1)
        guard zmq_curve_public(&characters, text) == 0 else { throw .lastFailure(of: "deriving a public key") }
        guard let key = CurveKey(Self.string(characters)) else {
            throw .libraryFailure(operation: "deriving a public key", code: 0, text: "not a key")
        }
        return key
    }

    /// A new pair, both halves as text.
    static func newPair() throws(MessagingError) -> (publicText: String, secretText: String) {
        var publicCharacters = [CChar](repeating: 0, count: characterCount + 1)
        var secretCharacters = publicCharacters
        guard zmq_curve_keypair(&publicCharacters, &secretCharacters) == 0 else {
            throw .lastFailure(of: "making a key pair")
        }
        return (string(publicCharacters), string(secretCharacters))
    }

    private static func string(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
