import Kernels
import Testing

private struct Sizes: Sendable, CustomTestStringConvertible {
    let rows: Int, inner: Int, columns: Int
    var testDescription: String { "\(rows) x \(inner) x \(columns)" }
}

@Test(
    "The float product equals the definition, however its factors are stored",
    arguments: [
        Sizes(rows: 1, inner: 1, columns: 1), Sizes(rows: 3, inner: 7, columns: 17),
        Sizes(rows: 16, inner: 65, columns: 3), Sizes(rows: 17, inner: 16, columns: 64),
        Sizes(rows: 259, inner: 3, columns: 5),  // more than one tile of rows
    ], [false, true])
private func matrixProductEqualsDefinition(sizes: Sizes, transposes: Bool) {
    let (rows, inner, columns) = (sizes.rows, sizes.inner, sizes.columns)
    let (a, b, start) = (
        numbers(rows * inner, seed: 1), numbers(inner * columns, seed: 2), numbers(rows * columns, seed: 3)
    )
    for (transposedA, transposedB) in [(transposes, false), (transposes, true)] {
        var c = start
        MatrixProduct.multiply(
            a, transposedA: transposedA, b, transposedB: transposedB, into: &c, rows: rows, inner: inner,
            columns: columns, alpha: 0.5, beta: 2)
        var expected = start.map { 2 * Double($0) }
        for r in 0..<rows {
            for c in 0..<columns {
                for i in 0..<inner {
                    let left = a[transposedA ? i * rows + r : r * inner + i]
                    let right = b[transposedB ? c * inner + i : i * columns + c]
                    expected[r * columns + c] += 0.5 * Double(left) * Double(right)
                }
            }
        }
        // At most 65 products of magnitude 1, each rounded to 6e-8.
        #expect(largestError(c, expected) < 1e-6)
    }
}

@Test("With beta 0 the result's old contents do not matter, not even when they are not numbers")
func matrixProductIgnoresOldContents() {
    var c: [Float] = [.nan, .infinity]
    MatrixProduct.multiply([1, 2], [3, 4], into: &c, rows: 2, inner: 1, columns: 1)
    #expect(c == [3, 6])
}
