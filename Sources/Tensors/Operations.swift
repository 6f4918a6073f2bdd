package import Kernels

// Legend: N batch, H height, W width, C channels, K features.

/// Sum of two tensors of one shape.
package func add(_ a: Variable, _ b: Variable) -> Variable {
    precondition(a.shape == b.shape, "add: \(a.shape) and \(b.shape)")
    let sum = Tensor(uninitialized: a.shape, a.value.elementType)
    Elementwise.add(a.value.activations, b.value.activations, into: sum.activations, count: sum.count)
    return result(of: [a, b], sum) { gradient in
        a.slot?.add(gradient)
        b.slot?.add(gradient)
    }
}

/// x / (1 + e^-x), element by element.
package func silu(_ x: Variable) -> Variable {
    let y = Tensor(uninitialized: x.shape)
    Elementwise.silu(x.value.pointer, into: y.pointer, count: y.count)
    return result(of: [x], y) { gradient in
        let dx = Tensor(uninitialized: x.shape)
        Elementwise.siluBackward(
            x.value.pointer, gradient: gradient.pointer, into: dx.pointer, count: dx.count)
        x.slot?.add(dx)
    }
}

/// Coordinates beside waves of them: x, then for each frequency ω cos(ωx) and sin(ωx). Shapes: x `[N, K]`, result
/// `[N, K (1 + 2F)]` for F frequencies, in radians by unit of x.
///
/// With them a small network tells places apart that are near each other, which by itself it learns last (Tancik et al.
/// 2020, "Fourier features let networks learn high frequency functions in low dimensional domains").
///
/// Traps: with more than 16 frequencies.
package func withWaves(_ x: Variable, frequencies: [Float]) -> Variable {
    precondition(frequencies.count <= Lanes.scalarCount, "withWaves: \(frequencies.count) frequencies")
    let (rows, count, parts) = (x.shape[0], x.shape[1], 1 + 2 * frequencies.count)
    /// Where the row has a coordinate's cosine; its sine comes `count` later.
    func place(_ index: Int, _ wave: Int) -> Int { index + count * (1 + 2 * wave) }
    var turnsPerUnit = Lanes(repeating: 0)
    for (wave, frequency) in frequencies.enumerated() { turnsPerUnit[wave] = frequency / (2 * .pi) }

    let y = Tensor(uninitialized: Shape(rows, count * parts))
    for row in 0..<rows {
        let (source, target) = (x.value.pointer + row * count, y.pointer + row * count * parts)
        for index in 0..<count {
            target[index] = source[index]
            let turns = turnsPerUnit * source[index]
            let (sin, cos) = VectorMath.sinCosOfTurns(turns - turns.rounded(.down))
            for wave in frequencies.indices {
                target[place(index, wave)] = cos[wave]
                target[place(index, wave) + count] = sin[wave]
            }
        }
    }
    return result(of: [x], y) { gradient in
        guard let slot = x.slot else { return }
        let dx = Tensor(uninitialized: x.shape)
        for row in 0..<rows {
            let (waves, slopes) = (y.pointer + row * count * parts, gradient.pointer + row * count * parts)
            for index in 0..<count {
                var slope = slopes[index]
                for (wave, frequency) in frequencies.enumerated() {
                    let (cos, sin) = (place(index, wave), place(index, wave) + count)
                    slope += frequency * (slopes[sin] * waves[cos] - slopes[cos] * waves[sin])
                }
                dx.pointer[row * count + index] = slope
            }
        }
        slot.add(dx)
    }
}

/// y = x Wᵀ + b. Shapes: x `[N, K]`, weight `[M, K]`, bias `[M]`, result `[N, M]`.
package func linear(_ x: Variable, weight: Variable, bias: Variable?) -> Variable {
    let (rows, inner, columns) = (x.shape[0], x.shape[1], weight.shape[0])
    precondition(weight.shape[1] == inner, "linear: input \(x.shape), weight \(weight.shape)")
    let y = Tensor(uninitialized: Shape(rows, columns))
    if let bias {
        for row in 0..<rows { (y.pointer + row * columns).update(from: bias.value.pointer, count: columns) }
    }
    MatrixProduct.multiply(
        x.value.pointer, weight.value.pointer, transposedB: true, into: y.pointer, rows: rows, inner: inner,
        columns: columns, beta: bias == nil ? 0 : 1)
    return result(of: [x, weight] + (bias.map { [$0] } ?? []), y) { gradient in
        if let slot = weight.slot {
            MatrixProduct.multiply(
                gradient.pointer, transposedA: true, x.value.pointer, into: slot.accumulator, rows: columns,
                inner: rows, columns: inner, beta: 1)
        }
        if let slot = bias?.slot {
            let total = slot.accumulator
            for row in 0..<rows {
                Elementwise.add(total, gradient.pointer + row * columns, into: total, count: columns)
            }
        }
        if let slot = x.slot {
            let dx = Tensor(uninitialized: x.shape)
            MatrixProduct.multiply(
                gradient.pointer, weight.value.pointer, into: dx.pointer, rows: rows, inner: columns, columns: inner)
            slot.add(dx)
        }
    }
}

/// The same values as elements of another type; gradients come back in the type of `x`.
package func convert(_ x: Variable, to type: ElementType) -> Variable {
    if x.value.elementType == type { return x }
    return result(of: [x], x.value.converted(to: type)) { gradient in
        x.slot?.add(gradient.converted(to: x.value.elementType))
    }
}

/// Two images side by side in channels: `[N, H, W, C1]` and `[N, H, W, C2]` to `[N, H, W, C1 + C2]`.
package func concatenate(_ a: Variable, _ b: Variable) -> Variable {
    let (channelsA, channelsB) = (a.shape[3], b.shape[3])
    let y = Tensor(
        uninitialized: Shape(a.shape[0], a.shape[1], a.shape[2], channelsA + channelsB), a.value.elementType)
    let pixels = y.count / (channelsA + channelsB)
    precondition(b.value.count == pixels * channelsB, "concatenate: \(a.shape) and \(b.shape)")
    Resampling.concatenate(
        a.value.activations, channelsA: channelsA, b.value.activations, channelsB: channelsB, into: y.activations,
        pixels: pixels)
    return result(of: [a, b], y) { gradient in
        for (input, offset) in [(a, 0), (b, channelsA)] {
            guard let slot = input.slot else { continue }
            let dx = Tensor(uninitialized: input.shape, input.value.elementType)
            Resampling.slice(
                gradient.activations, totalChannels: channelsA + channelsB, offset: offset,
                channels: input.shape[3], into: dx.activations, pixels: pixels)
            slot.add(dx)
        }
    }
}

/// The same elements under another shape.
package func reshape(_ x: Variable, _ shape: Shape) -> Variable {
    result(of: [x], x.value.reshaped(shape)) { gradient in
        x.slot?.add(gradient.reshaped(x.shape))
    }
}

/// `y = factor x` in the type of `x`; overwrites `x` where nothing else holds its storage.
package func scale(_ x: consuming Variable, by factor: Float) -> Variable {
    let slot = x.slot
    var y = x.value
    y.makeUnique()
    Elementwise.scale(y.activations, by: factor, into: y.activations, count: y.count)
    return result(ofSlots: [slot], y) { gradient in
        let dx = Tensor(uninitialized: gradient.shape, gradient.elementType)
        Elementwise.scale(gradient.activations, by: factor, into: dx.activations, count: dx.count)
        slot?.add(dx)
    }
}

/// Adds `shift` to every pixel, in the type of `x`; overwrites `x` where nothing else holds its storage.
///
/// Shapes: x and result `[N, H, W, C]`, shift `[N, C]`.
package func addToPixels(_ x: consuming Variable, _ shift: Variable) -> Variable {
    let (slot, shape) = (x.slot, x.shape)
    precondition(shift.shape == Shape(shape[0], shape[3]), "addToPixels: \(shift.shape) to \(shape)")
    let (samples, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
    var y = x.value
    y.makeUnique()
    Elementwise.addToPixels(
        y.activations, shift.value.pointer, into: y.activations, samples: samples, pixels: pixels, channels: channels)
    return result(ofSlots: [slot, shift.slot], y) { gradient in
        slot?.add(gradient)
        guard let shiftSlot = shift.slot else { return }
        let sum = Tensor(uninitialized: shift.shape)
        Elementwise.sumOverPixels(
            gradient.activations, into: sum.pointer, samples: samples, pixels: pixels, channels: channels)
        shiftSlot.add(sum)
    }
}

/// `y[n] = factors[n] x[n]`, one constant factor per sample.
package func scale(_ x: Variable, bySample factors: [Float]) -> Variable {
    let (n, count) = (x.shape[0], x.shape.countPerSample)
    precondition(factors.count == n, "scale: \(factors.count) factors for \(n) samples")
    let y = Tensor(uninitialized: x.shape)
    Elementwise.scaleSamples(x.value.pointer, factors: factors, into: y.pointer, samples: n, count: count)
    return result(of: [x], y) { gradient in
        let dx = Tensor(uninitialized: x.shape)
        Elementwise.scaleSamples(gradient.pointer, factors: factors, into: dx.pointer, samples: n, count: count)
        x.slot?.add(dx)
    }
}

/// `y[n] = a[n] x[n] + b[n] z[n]`, constant factors per sample.
package func blend(_ x: Variable, _ a: [Float], _ z: Variable, _ b: [Float]) -> Variable {
    precondition(x.shape == z.shape, "blend: \(x.shape) and \(z.shape)")
    precondition(a.count == x.shape[0] && b.count == a.count, "blend: \(a.count), \(b.count) factors for \(x.shape)")
    let (n, count) = (x.shape[0], x.shape.countPerSample)
    let y = Tensor(uninitialized: x.shape)
    Elementwise.blendSamples(
        x.value.pointer, a, z.value.pointer, b, into: y.pointer, samples: n, count: count)
    return result(of: [x, z], y) { gradient in
        for (input, factors) in [(x, a), (z, b)] {
            guard let slot = input.slot else { continue }
            let dx = Tensor(uninitialized: x.shape)
            Elementwise.scaleSamples(gradient.pointer, factors: factors, into: dx.pointer, samples: n, count: count)
            slot.add(dx)
        }
    }
}
