/// The one-dimensional transforms of Winograd's convolution F(4, 3) and of its two gradients.
///
/// Four outputs of a correlation with three weights are the coefficients of a product of polynomials of degree 5, got
/// from its values at six points: y = Aᵀ [(G g) ⊙ (Bᵀ d)], where Bᵀ is 6 x 6, G 6 x 3 and Aᵀ 4 x 6. In two dimensions
/// every transform is applied along both axes. The gradients are the adjoints of the same matrices: that of the weights
/// is Gᵀ [(A dy) ⊙ (Bᵀ d)].
///
/// Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015. We differ in the points: theirs
/// are 0, ±1, ±2 and infinity; 0, ±5/8, ±3/2 and infinity halve the error, and all the constants of A and B are still
/// exact.
enum WinogradTransforms {
    /// Side of an output tile, of the input tile under it, and the number of points in two dimensions.
    static let outputSide = 4, inputSide = 6, pointCount = 36

    /// The points other than 0 and infinity are ±a and ±b.
    private static let a: Float = 0.625
    private static let b: Float = 1.5

    /// What G's rows are divided by: the derivative of x (x² - a²) (x² - b²) at each point, and 1 for infinity. It is
    /// kept apart from the rest of G, which is exact without it.
    @inline(always)
    static func scale(_ index: Int) -> Float {
        switch index {
        case 0: 1 / (a * a * b * b)
        case 1, 2: 1 / (2 * a * a * (a * a - b * b))
        case 3, 4: 1 / (2 * b * b * (b * b - a * a))
        default: 1
        }
    }

    typealias Six = (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)
    typealias Four = (Lanes, Lanes, Lanes, Lanes)
    typealias Three = (Lanes, Lanes, Lanes)

    /// x y + z.
    @inline(always)
    private static func fused(_ x: Float, _ y: Lanes, _ z: Lanes) -> Lanes {
        VectorMath.multiplyAdd(Lanes(repeating: x), y, z)
    }

    /// Bᵀ d: the six inputs under a tile, at the points.
    @inline(always)
    static func input(_ d: Six) -> Six {
        let oddA = fused(-b * b, d.1, d.3)
        let evenA = fused(-b * b, d.2, d.4)
        let oddB = fused(-a * a, d.1, d.3)
        let evenB = fused(-a * a, d.2, d.4)
        let (sum, product) = (a * a + b * b, a * a * b * b)
        return (
            fused(product, d.0, fused(-sum, d.2, d.4)),
            fused(a, oddA, evenA), fused(-a, oddA, evenA),
            fused(b, oddB, evenB), fused(-b, oddB, evenB),
            fused(product, d.1, fused(-sum, d.3, d.5))
        )
    }

    /// Aᵀ m: the four outputs from the products at the points.
    @inline(always)
    static func output(_ m: Six) -> Four {
        let (sumA, differenceA) = (m.1 + m.2, m.1 - m.2)
        let (sumB, differenceB) = (m.3 + m.4, m.3 - m.4)
        return (
            m.0 + (sumA + sumB),
            fused(b, differenceB, a * differenceA),
            fused(b * b, sumB, a * a * sumA),
            fused(b * b * b, differenceB, fused(a * a * a, differenceA, m.5))
        )
    }

    /// A y: the gradient of four outputs, at the points.
    @inline(always)
    static func outputGradient(_ y: Four) -> Six {
        let (evenA, oddA) = (fused(a * a, y.2, y.0), fused(a * a, y.3, y.1))
        let (evenB, oddB) = (fused(b * b, y.2, y.0), fused(b * b, y.3, y.1))
        return (
            y.0, fused(a, oddA, evenA), fused(-a, oddA, evenA), fused(b, oddB, evenB), fused(-b, oddB, evenB), y.3
        )
    }

    /// G g without its scale: three weights, at the points.
    @inline(always)
    static func weights(_ g: Three) -> Six {
        let (evenA, evenB) = (fused(a * a, g.2, g.0), fused(b * b, g.2, g.0))
        return (g.0, fused(a, g.1, evenA), fused(-a, g.1, evenA), fused(b, g.1, evenB), fused(-b, g.1, evenB), g.2)
    }

    /// Gᵀ m without its scale: the gradients of three weights from the products at the points.
    @inline(always)
    static func weightsGradient(_ m: Six) -> Three {
        let (sumA, sumB) = (m.1 + m.2, m.3 + m.4)
        return (
            m.0 + (sumA + sumB),
            fused(b, m.3 - m.4, a * (m.1 - m.2)),
            fused(b * b, sumB, fused(a * a, sumA, m.5))
        )
    }
}
