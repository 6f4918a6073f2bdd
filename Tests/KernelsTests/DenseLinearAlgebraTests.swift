import Kernels
import Testing

@Test("The double product equals the definition, transposed or not")
func doubleMatrixProduct() {
    let left: [Double] = [1, 2, 3, 4, 5, 6]
    let right: [Double] = [1, -1, 0, 2, 3, 1]
    #expect(matrixProduct(left, right, rows: 2, inner: 3, columns: 2) == [10, 6, 22, 12])
    #expect(
        matrixProduct([1, 4, 2, 5, 3, 6], right, rows: 2, inner: 3, columns: 2, transposingLeft: true)
            == [10, 6, 22, 12])
}

@Test("Eigenvalues ascend, row k is the eigenvector k, and together they give the matrix back")
func eigenDecomposition() {
    let (values, vectors) = symmetricEigen([2, 1, 1, 2], order: 2)
    #expect(abs(values[0] - 1) < 1e-14 && abs(values[1] - 3) < 1e-14)
    #expect(abs(vectors[0] + vectors[1]) < 1e-14, "the eigenvector of 1 is along (1, -1)")
    #expect(abs(vectors[2] - vectors[3]) < 1e-14, "the eigenvector of 3 is along (1, 1)")

    let order = 17
    let matrix = (0..<order * order).map { 1 / Double($0 / order + $0 % order + 1) + ($0 % (order + 1) == 0 ? 1 : 0) }
    let eigen = symmetricEigen(matrix, order: order)
    let scaled = eigen.vectors.indices.map { eigen.values[$0 / order] * eigen.vectors[$0] }
    let rebuilt = matrixProduct(
        eigen.vectors, scaled, rows: order, inner: order, columns: order, transposingLeft: true)
    // LAPACK's backward error is a small multiple of order · 2⁻⁵³ · |matrix|, here about 4e-15.
    #expect(zip(matrix, rebuilt).allSatisfy { abs($0 - $1) < 1e-13 })
}
