import COneDNN
import COpenMP

/// Products of row-major float matrices, on oneDNN called from one thread at a time inside fixed tiles of our pool.
package enum MatrixProduct {
    /// The rows of one tile: fixed, so that a row's value does not depend on the number of threads.
    private static let tileRowCount = 256

    /// `c = a b + beta c`, with `a` or `b` read as its transpose where asked.
    ///
    /// Shapes: `a` `[rows, inner]` (or `[inner, rows]` where transposed), `b` `[inner, columns]` (or
    /// `[columns, inner]`), `c` `[rows, columns]`.
    package static func multiply(
        _ a: UnsafePointer<Float>, transposedA: Bool = false, _ b: UnsafePointer<Float>, transposedB: Bool = false,
        into c: UnsafeMutablePointer<Float>, rows: Int, inner: Int, columns: Int, alpha: Float = 1, beta: Float = 0
    ) {
        let tiles = (rows + tileRowCount - 1) / tileRowCount
        let timer = OperationProfile.start(.matrixProduct)
        defer { timer.stop() }
        ThreadPool.forEach(tiles) { tile in
            let first = tile * tileRowCount
            tileProduct(
                transposedA ? a + first : a + first * inner, transposedA, b, transposedB, c + first * columns,
                rows: min(tileRowCount, rows - first), inner: inner, columns: columns,
                strideA: transposedA ? rows : inner, strideB: transposedB ? inner : columns, strideC: columns,
                alpha: alpha, beta: beta)
        }
    }

    /// One product on the calling thread, with explicit row strides.
    static func tileProduct(
        _ a: UnsafePointer<Float>, _ transposedA: Bool, _ b: UnsafePointer<Float>, _ transposedB: Bool,
        _ c: UnsafeMutablePointer<Float>, rows: Int, inner: Int, columns: Int, strideA: Int, strideB: Int,
        strideC: Int, alpha: Float, beta: Float
    ) {
        // Inside a region oneDNN keeps to the calling thread; outside it is told to.
        if omp_in_parallel() == 0 { omp_set_num_threads(1) }
        Library.check(
            dnnl_sgemm(
                transposedA ? 0x54 : 0x4E, transposedB ? 0x54 : 0x4E, Int64(rows), Int64(columns), Int64(inner), alpha,
                a, Int64(strideA), b, Int64(strideB), beta, c, Int64(strideC)), "matrix product")
    }
}
