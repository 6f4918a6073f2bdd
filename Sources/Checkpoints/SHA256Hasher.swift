import COpenSSL

/// SHA-256 (FIPS 180-4) of bytes that arrive piece by piece.
package struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    /// Starts a hash. Traps if OpenSSL has no memory or no SHA-256.
    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("SHA-256: OpenSSL cannot start a digest")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Appends `bytes`.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let code = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(code == 1, "SHA-256: OpenSSL refused \(bytes.count) bytes")
    }

    /// Ends the hash and returns it as 64 lower-case hexadecimal digits.
    package consuming func finish() -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(EVP_MAX_MD_SIZE)) { digest in
            var byteCount: UInt32 = 0
            let code = EVP_DigestFinal_ex(context, digest.baseAddress, &byteCount)
            precondition(code == 1, "SHA-256: OpenSSL cannot finish a digest")
            let digits = Array("0123456789abcdef".utf8)
            let text = digest.prefix(Int(byteCount)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// Returns the hash of `bytes` as 64 lower-case hexadecimal digits.
    package static func hash(of bytes: UnsafeRawBufferPointer) -> String {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }
}
