/// Up to 65,535 bytes as a gzip file: one stored block of RFC 1951 in the wrapping of RFC 1952.
func gzipFile(_ content: [UInt8]) -> [UInt8] {
    func littleEndian(_ value: Int, byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    file += [1] + littleEndian(content.count, byteCount: 2) + littleEndian(~content.count, byteCount: 2)
    file += content
    file += littleEndian(Int(checksum(content)), byteCount: 4) + littleEndian(content.count, byteCount: 4)
    return file
}

/// CRC-32 as gzip uses it, bit by bit.
private func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 {
            let isOdd = crc & 1 == 1
            crc >>= 1
            if isOdd { crc ^= 0xEDB8_8320 }
        }
    }
    return ~crc
}
