import CZlib

/// Decompression of gzip (RFC 1952) in memory.
enum GzipDecoder {
    /// How the compressed data ended.
    enum Ending {
        case complete
        case truncated
        case corrupt
    }

    /// Tells a gzip file by its first two bytes.
    static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

    /// Returns all that can be decompressed, and whether that is everything.
    static func decode(_ compressed: [UInt8]) -> (content: [UInt8], ending: Ending) {
        var stream = z_stream()
        let code = shim_inflate_init_gzip(&stream)
        precondition(code == Z_OK, "gzip: zlib cannot start, code \(code)")
        defer { inflateEnd(&stream) }

        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var input = compressed
        let ending = input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(clamping: input.count)
            while true {
                let (code, count) = inflatePiece(&stream, into: &piece)
                content += piece.prefix(count)
                switch code {
                // A gzip file may be several, one after another.
                case Z_STREAM_END where stream.avail_in > 0: inflateReset(&stream)
                case Z_STREAM_END: return Ending.complete
                case Z_OK where stream.avail_in > 0 || count == piece.count: continue
                case Z_OK, Z_BUF_ERROR: return Ending.truncated
                default: return Ending.corrupt
                }
            }
        }
        return (content, ending)
    }

    private static func inflatePiece(_ stream: inout z_stream, into piece: inout [UInt8]) -> (code: Int32, count: Int) {
        piece.withUnsafeMutableBufferPointer { piece in
            stream.next_out = piece.baseAddress
            stream.avail_out = UInt32(piece.count)
            let code = inflate(&stream, Z_NO_FLUSH)
            return (code, piece.count - Int(stream.avail_out))
        }
    }
}
