/// Writes the element-wise sum `left + right` to `sum`, which may be either of them. All three have `count` elements.
///
/// The vectors are far larger than a cache, so this runs at the speed of memory; the explicit width keeps it there
/// where overflow checks would stop the compiler from vectorising.
func addVectors(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, into sum: UnsafeMutablePointer<Float>, count: Int
) {
    typealias Lanes = SIMD16<Float>
    let (left, right, sum) = (UnsafeRawPointer(left), UnsafeRawPointer(right), UnsafeMutableRawPointer(sum))
    let byteCount = count * MemoryLayout<Float>.stride
    var offset = 0
    while offset &+ MemoryLayout<Lanes>.size <= byteCount {
        let lanes =
            left.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
            + right.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        sum.storeBytes(of: lanes, toByteOffset: offset, as: Lanes.self)
        offset &+= MemoryLayout<Lanes>.size
    }
    while offset < byteCount {
        let value =
            left.load(fromByteOffset: offset, as: Float.self) + right.load(fromByteOffset: offset, as: Float.self)
        sum.storeBytes(of: value, toByteOffset: offset, as: Float.self)
        offset &+= MemoryLayout<Float>.stride
    }
}
