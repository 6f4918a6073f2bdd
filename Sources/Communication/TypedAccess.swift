// The standard library's accessors of raw bytes are declared `rethrows`, which loses the error's type.

/// Calls `body` with the bytes of `value`.
func withBytes<Value: BitwiseCopyable>(
    of value: inout Value, _ body: (UnsafeMutableRawBufferPointer) throws(CommunicationError) -> Void
) throws(CommunicationError) {
    let outcome = withUnsafeMutableBytes(of: &value) { bytes in
        Result { () throws(CommunicationError) in try body(bytes) }
    }
    try outcome.get()
}

/// Calls `body` with the elements of `array` as bytes.
func withBytes(
    of array: inout [UInt8], _ body: (UnsafeMutableRawBufferPointer) throws(CommunicationError) -> Void
) throws(CommunicationError) {
    let outcome = array.withUnsafeMutableBytes { bytes in
        Result { () throws(CommunicationError) in try body(bytes) }
    }
    try outcome.get()
}
