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
            Target(pointer: pointer + row * rowStride + column, rowStride: rowStride, adds: adds)
        }

        @inline(always)
        fileprivate func put(_ sum: Lanes, row: Int) {
            let place = pointer + row * rowStride
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
        var (p, p4, q, q4) = (FourRows(), FourRows(), FourRows(), FourRows())
        var (row, b) = (a.pointer, b)
        for _ in 0..<count {
            let (left, right, lower) = (b.lanes(0), b.lanes(16), row + 4 &* a.rowStride)
            p.accumulate(row, a.rowStride, left)
            q.accumulate(row, a.rowStride, right)
            p4.accumulate(lower, a.rowStride, left)
            q4.accumulate(lower, a.rowStride, right)
            row += a.step
            b += 32
        }
        p.put(into: c)
        p4.put(into: c.from(row: 4, column: 0))
        q.put(into: c.from(row: 0, column: 16))
        q4.put(into: c.from(row: 4, column: 16))
    }

    @inline(never)
    private static func eightBySixteen(_ a: Left, _ b: UnsafePointer<Float>, count: Int, into c: Target) {
        guard shim_vectors_in_registers() > 8 else {
            fourBySixteen(a, b, count: count, into: c)
            fourBySixteen(a.from(row: 4), b, count: count, into: c.from(row: 4, column: 0))
            return
        }
        var (p, p4) = (FourRows(), FourRows())
        var (row, b) = (a.pointer, b)
        for _ in 0..<count {
            p.accumulate(row, a.rowStride, b.lanes(0))
            p4.accumulate(row + 4 &* a.rowStride, a.rowStride, b.lanes(0))
            row += a.step
            b += 16
        }
        p.put(into: c)
        p4.put(into: c.from(row: 4, column: 0))
    }

    @inline(always)
    private static func fourBySixteen(_ a: Left, _ b: UnsafePointer<Float>, count: Int, into c: Target) {
        var p = FourRows()
        var (row, b) = (a.pointer, b)
        for _ in 0..<count {
            p.accumulate(row, a.rowStride, b.lanes(0))
            row += a.step
            b += 16
        }
        p.put(into: c)
    }

    /// Sums of four rows and sixteen columns.
    private struct FourRows {
        private var (p0, p1, p2, p3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)

        /// Adds one element of each row, `stride` apart, times sixteen columns.
        @inline(always)
        mutating func accumulate(_ rows: UnsafePointer<Float>, _ stride: Int, _ columns: Lanes) {
            p0 = VectorMath.multiplyAdd(Lanes(repeating: rows[0]), columns, p0)
            p1 = VectorMath.multiplyAdd(Lanes(repeating: rows[stride]), columns, p1)
            p2 = VectorMath.multiplyAdd(Lanes(repeating: rows[2 &* stride]), columns, p2)
            p3 = VectorMath.multiplyAdd(Lanes(repeating: rows[3 &* stride]), columns, p3)
        }

        @inline(always)
        func put(into c: Target) {
            c.put(p0, row: 0)
            c.put(p1, row: 1)
            c.put(p2, row: 2)
            c.put(p3, row: 3)
        }
    }
}
