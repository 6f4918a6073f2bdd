import COpenBLAS

/// The product of two dense matrices in double precision, for statistics; not for training.
///
/// Shapes, all row-major: `left` `[rows, inner]`, or `[inner, rows]` with `transposingLeft`; `right` `[inner, columns]`;
/// the result `[rows, columns]`.
/// Formula: left · right, or leftᵀ · right.
/// Traps: if an array's count differs from its shape, or a dimension is not positive.
package func matrixProduct(
    _ left: [Double], _ right: [Double], rows: Int, inner: Int, columns: Int, transposingLeft: Bool = false
) -> [Double] {
    precondition(rows > 0 && inner > 0 && columns > 0, "matrix product of \(rows) x \(inner) x \(columns)")
    precondition(left.count == rows * inner, "left has \(left.count) elements, its shape \(rows * inner)")
    precondition(right.count == inner * columns, "right has \(right.count) elements, its shape \(inner * columns)")
    var product = [Double](repeating: 0, count: rows * columns)
    cblas_dgemm(
        CblasRowMajor, transposingLeft ? CblasTrans : CblasNoTrans, CblasNoTrans,
        blasint(rows), blasint(columns), blasint(inner),
        1, left, blasint(transposingLeft ? rows : inner), right, blasint(columns),
        0, &product, blasint(columns))
    return product
}

/// The eigenvalues and eigenvectors of a symmetric matrix (LAPACK `dsyev`).
///
/// Shapes: `matrix` `[order, order]`, of which one triangle is read; `values` `[order]`, ascending; `vectors`
/// `[order, order]`, whose row k is the unit eigenvector of `values[k]`.
/// Formula: matrix = vectorsᵀ · diag(values) · vectors.
/// Traps: if the count is not order², or the iteration does not converge, which for finite elements it always does.
package func symmetricEigen(_ matrix: [Double], order: Int) -> (values: [Double], vectors: [Double]) {
    precondition(order > 0 && matrix.count == order * order, "\(matrix.count) elements for a matrix of order \(order)")
    // LAPACK's columns are our rows: the symmetric matrix reads the same, and each eigenvector comes back as a row.
    var vectors = matrix
    var values = [Double](repeating: 0, count: order)
    var bestWorkspaceSize = 0.0
    callDsyev(order, &vectors, &values, workspace: &bestWorkspaceSize, size: -1)
    var workspace = [Double](repeating: 0, count: Int(bestWorkspaceSize))
    callDsyev(order, &vectors, &values, workspace: &workspace, size: workspace.count)
    return (values, vectors)
}

/// One call of `dsyev`; with size -1 it only writes the best workspace size to the first element of `workspace`.
private func callDsyev(
    _ order: Int, _ matrix: UnsafeMutablePointer<Double>, _ values: UnsafeMutablePointer<Double>,
    workspace: UnsafeMutablePointer<Double>, size: Int
) {
    var order = Int32(order)
    var leadingDimension = order
    var size = Int32(size)
    var status: Int32 = 0
    dsyev_("V", "U", &order, matrix, &leadingDimension, values, workspace, &size, &status, 1, 1)
    precondition(status == 0, "dsyev failed with status \(status) for a matrix of order \(order)")
}
