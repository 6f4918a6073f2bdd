import CVector

/// Sixteen floats: one AVX-512 register or two AVX2 ones. Every loop of this module works on these.
package typealias Lanes = SIMD16<Float>

extension UnsafePointer<Float> {
    /// The sixteen floats from `index` on; no alignment is needed.
    @inline(always)
    func lanes(_ index: Int) -> Lanes {
        UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
    }
}

extension UnsafeMutablePointer<Float> {
    /// The sixteen floats from `index` on; no alignment is needed.
    @inline(always)
    func lanes(_ index: Int) -> Lanes {
        UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
    }

    /// Stores sixteen floats from `index` on; no alignment is needed.
    @inline(always)
    func store(_ value: Lanes, _ index: Int) {
        UnsafeMutableRawPointer(self + index).storeBytes(of: value, as: Lanes.self)
    }
}

/// Elementary functions of sixteen floats, ours so that every machine computes the same bits.
package enum VectorMath {
    /// Adding and subtracting 1.5 * 2^23 rounds a float below 2^22 to the nearest integer.
    private static let roundingShift: Float = 12_582_912

    /// a b + c, rounded once.
    @inline(always)
    static func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes { shim_fused_multiply_add(a, b, c) }

    /// a b + c, rounded once.
    @inline(always)
    private static func multiplyAdd(_ a: Lanes, _ b: Float, _ c: Float) -> Lanes {
        shim_fused_multiply_add(a, Lanes(repeating: b), Lanes(repeating: c))
    }

    /// a b + c, rounded once.
    @inline(always)
    private static func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Float) -> Lanes {
        shim_fused_multiply_add(a, b, Lanes(repeating: c))
    }

    /// e^x, to 2 ulps; arguments are clamped to -87...88, where the result is finite and not subnormal.
    ///
    /// Formula: x = n ln 2 + r with |r| <= ln 2 / 2; e^x = 2^n e^r, e^r by its Taylor polynomial of degree 7.
    @inline(always)
    package static func exp(_ argument: Lanes) -> Lanes {
        var x = argument.replacing(with: Lanes(repeating: 88), where: argument .> 88)
        x = x.replacing(with: Lanes(repeating: -87), where: x .< -87)
        let shifted = multiplyAdd(x, 1.442_695_04, roundingShift)
        let n = shifted - roundingShift
        let r = multiplyAdd(n, Lanes(repeating: 2.121_944_4e-4), multiplyAdd(n, Lanes(repeating: -0.693_359_375), x))
        var p = multiplyAdd(r, 1.0 / 5040, 1.0 / 720)
        p = multiplyAdd(p, r, 1.0 / 120)
        p = multiplyAdd(p, r, 1.0 / 24)
        p = multiplyAdd(p, r, 1.0 / 6)
        p = multiplyAdd(p, r, 0.5)
        p = multiplyAdd(p, r, 1)
        p = multiplyAdd(p, r, 1)
        // 2^n by way of the exponent field.
        let exponent = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23
        let one = SIMD16<Int32>(repeating: 0x3F80_0000)
        return p * unsafeBitCast(exponent &+ one, to: Lanes.self)
    }

    /// ln x for positive, normal x, to 3 ulps.
    ///
    /// Formula: x = 2^e m with m in (sqrt ½, sqrt 2]; ln m = 2 artanh((m-1)/(m+1)) by its series to the ninth power.
    @inline(always)
    package static func log(_ x: Lanes) -> Lanes {
        let bits = unsafeBitCast(x, to: SIMD16<Int32>.self)
        // 0x3F3504F3 is sqrt ½: the exponent rises where the mantissa passes it.
        let offset = bits &- SIMD16<Int32>(repeating: 0x3F35_04F3)
        let e = offset &>> 23
        let m = unsafeBitCast(bits &- (e &<< 23), to: Lanes.self)
        let s = (m - 1) / (m + 1)
        let q = s * s
        var p = q * (1.0 / 9) + (1.0 / 7)
        p = p * q + (1.0 / 5)
        p = p * q + (1.0 / 3)
        p = p * q + 1
        return Lanes(e) * 0.693_147_18 + 2 * s * p
    }

    /// (sin 2πu, cos 2πu) for u in 0..<1, to 3e-7 absolute.
    ///
    /// Formula: u = k/4 + v with |v| <= 1/8; Taylor polynomials of degree 9 and 8 on |2πv| <= π/4, then a quarter turn k times.
    @inline(always)
    package static func sinCosOfTurns(_ u: Lanes) -> (sin: Lanes, cos: Lanes) {
        let shifted = u * 4 + roundingShift
        let k = unsafeBitCast(shifted, to: SIMD16<Int32>.self)
        let x = (u - (shifted - roundingShift) * 0.25) * 6.283_185_3
        let q = x * x
        var s = q * (1.0 / 362_880) - (1.0 / 5040)
        s = s * q + (1.0 / 120)
        s = s * q - (1.0 / 6)
        s = s * q * x + x
        var c = q * (1.0 / 40_320) - (1.0 / 720)
        c = c * q + (1.0 / 24)
        c = c * q - 0.5
        c = c * q + 1
        let odd = (k & 1) .== 1
        let sinValue = s.replacing(with: c, where: odd)
        let cosValue = c.replacing(with: s, where: odd)
        let sinNegative = (k & 2) .== 2
        let cosNegative = ((k &+ 1) & 2) .== 2
        return (
            sinValue.replacing(with: -sinValue, where: sinNegative),
            cosValue.replacing(with: -cosValue, where: cosNegative)
        )
    }

    /// 1 / (1 + e^-x).
    @inline(always)
    static func logistic(_ x: Lanes) -> Lanes { 1 / (1 + exp(-x)) }

    /// x / (1 + e^-x).
    @inline(always)
    static func silu(_ x: Lanes) -> Lanes { x / (1 + exp(-x)) }

    /// d silu / dx = s (1 + x (1 - s)) with s the logistic function of x.
    @inline(always)
    static func siluDerivative(_ x: Lanes) -> Lanes {
        let s = logistic(x)
        return s * (1 + x * (1 - s))
    }
}
