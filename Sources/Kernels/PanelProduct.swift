import CVector

/// A matrix `[rows, channels]` cut into panels of `width` channels, the last one perhaps narrower, one after the other.
struct Panels {
    let channels: Int, width: Int, rows: Int

    /// Where row 0 of `channel` lies, and the distance to row 1.
    @inline(always)
    func group(_ channel: Int) -> (offset: Int, rowStride: Int) {
        let first = channel / width * width
        let ownWidth = min(width, channels - first)
        return (first * rows + channel - first, ownWidth)
    }
}

/// Small matrix products whose sums stay in registers: `[8, count]` times `[count, columns]`.
///
/// A sum takes its summands in their order, each multiplied and added with one rounding, so every way to cut a product
/// gives the same bits.
enum PanelProduct {
    /// The columns that a product makes at once: sixteen sums of eight rows are kept where registers hold them and what
    /// they are made of, half as many elsewhere.
    @inline(always)
    static var width: Int { shim_vectors_in_registers() > 16 ? 32 : 16 }

    /// The left factor: row r's element i is at `r * rowStride + i * step`.
    struct Left {
        let pointer: UnsafePointer<Float>
        let rowStride: Int, step: Int

        @inline(always)
        fileprivate func from(row: Int) -> Left {
            Left(pointer: pointer + row * rowStride, rowStride: rowStride, step: step)
        }
    }

    /// Where the product goes.
    struct Target {
        let pointer: UnsafeMutablePointer<Float>
        let rowStride: Int
        /// True where the sum is added to what the target holds.
        let adds: Bool

        @inline(always)
        fileprivate func from(row: Int, column: Int) -> Target {
            Target(
                pointer: pointer + row * rowStride + column, rowStride: rowStride, adds: adds)
        }

        @inline(always)
        fileprivate func put(_ sum: Lanes, row: Int, column: Int = 0) {
            let place = pointer + row * rowStride + column
            place.store(adds ? place.lanes(0) + sum : sum, 0)
        }
    }

    /// Eight rows of the product with a panel of `columns` columns, 16 or ``width``.
    @inline(always)
    static func multiply(
        _ a: Left, _ panel: UnsafePointer<Float>, columns: Int, count: Int, into c: Target
    ) {
        if columns == 32 {
            eightByThirtyTwo(a, panel, count: count, into: c)
        } else {
            eightBySixteen(a, panel, count: count, into: c)
        }
    }

    @inline(never)
    private static func eightByThirtyTwo(_ a: Left, _ b: UnsafePointer<Float>, count: Int, into c: Target) {
        var (p0, p1, p2, p3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (p4, p5, p6, p7) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (q0, q1, q2, q3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (q4, q5, q6, q7) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (row, b) = (a.pointer, b)
        for _ in 0..<count {
            let (p, q) = (b.lanes(0), b.lanes(16))
            accumulate(row[0], p, q, &p0, &q0)
            accumulate(row[a.rowStride], p, q, &p1, &q1)
            accumulate(row[2 &* a.rowStride], p, q, &p2, &q2)
            accumulate(row[3 &* a.rowStride], p, q, &p3, &q3)
            accumulate(row[4 &* a.rowStride], p, q, &p4, &q4)
            accumulate(row[5 &* a.rowStride], p, q, &p5, &q5)
            accumulate(row[6 &* a.rowStride], p, q, &p6, &q6)
            accumulate(row[7 &* a.rowStride], p, q, &p7, &q7)
            row += a.step
            b += 32
        }
        put((p0, p1, p2, p3, p4, p5, p6, p7), c, column: 0)
        put((q0, q1, q2, q3, q4, q5, q6, q7), c, column: 16)
    }

    @inline(never)
    private static func eightBySixteen(_ a: Left, _ b: UnsafePointer<Float>, count: Int, into c: Target) {
        guard shim_vectors_in_registers() > 8 else {
            fourBySixteen(a, b, count: count, into: c)
            fourBySixteen(a.from(row: 4), b, count: count, into: c.from(row: 4, column: 0))
            return
        }
        var (p0, p1, p2, p3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (p4, p5, p6, p7) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (row, b) = (a.pointer, b)
        for _ in 0..<count {
            let p = b.lanes(0)
            accumulate(row[0], p, &p0)
            accumulate(row[a.rowStride], p, &p1)
            accumulate(row[2 &* a.rowStride], p, &p2)
            accumulate(row[3 &* a.rowStride], p, &p3)
            accumulate(row[4 &* a.rowStride], p, &p4)
            accumulate(row[5 &* a.rowStride], p, &p5)
            accumulate(row[6 &* a.rowStride], p, &p6)
            accumulate(row[7 &* a.rowStride], p, &p7)
            row += a.step
            b += 16
        }
        put((p0, p1, p2, p3, p4, p5, p6, p7), c, column: 0)
    }

    @inline(always)
    private static func fourBySixteen(_ a: Left, _ b: UnsafePointer<Float>, count: Int, into c: Target) {
        var (p0, p1, p2, p3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (row, b) = (a.pointer, b)
        for _ in 0..<count {
            let p = b.lanes(0)
            accumulate(row[0], p, &p0)
            accumulate(row[a.rowStride], p, &p1)
            accumulate(row[2 &* a.rowStride], p, &p2)
            accumulate(row[3 &* a.rowStride], p, &p3)
            row += a.step
            b += 16
        }
        c.put(p0, row: 0)
        c.put(p1, row: 1)
        c.put(p2, row: 2)
        c.put(p3, row: 3)
    }

    @inline(always)
    private static func accumulate(_ a: Float, _ p: Lanes, _ sum: inout Lanes) {
        sum = VectorMath.multiplyAdd(Lanes(repeating: a), p, sum)
    }

    @inline(always)
    private static func accumulate(_ a: Float, _ p: Lanes, _ q: Lanes, _ sumP: inout Lanes, _ sumQ: inout Lanes) {
        accumulate(a, p, &sumP)
        accumulate(a, q, &sumQ)
    }

    private typealias EightRows = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)

    @inline(always)
    private static func put(_ sums: EightRows, _ c: Target, column: Int) {
        c.put(sums.0, row: 0, column: column)
        c.put(sums.1, row: 1, column: column)
        c.put(sums.2, row: 2, column: column)
        c.put(sums.3, row: 3, column: column)
        c.put(sums.4, row: 4, column: column)
        c.put(sums.5, row: 5, column: column)
        c.put(sums.6, row: 6, column: column)
        c.put(sums.7, row: 7, column: column)
    }
}
