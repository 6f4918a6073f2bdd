import CVector

/// How the elements of an activation are stored. Sums, statistics and everything between load and store are float32.
package enum ElementType: String, Sendable, Hashable, CaseIterable, Codable {
    case float32
    /// The upper half of a float32: its range, and 8 bits of precision.
    case bfloat16

    /// The bytes of one element.
    package var byteCount: Int { self == .float32 ? 4 : 2 }
}

/// The first element of an activation in memory, of either type; whoever passes one vouches for its extent.
package struct ActivationPointer {
    package let address: UnsafeMutableRawPointer
    package let type: ElementType

    package init(_ address: UnsafeMutableRawPointer, _ type: ElementType) {
        (self.address, self.type) = (address, type)
    }

    /// An activation of floats.
    package init(_ pointer: UnsafeMutablePointer<Float>) { self.init(pointer, .float32) }

    /// The element `count` further on.
    package static func + (pointer: ActivationPointer, count: Int) -> ActivationPointer {
        ActivationPointer(pointer.address + count * pointer.type.byteCount, pointer.type)
    }

    /// The same address for a loop over elements of `type`.
    ///
    /// Traps: if the elements are of another type.
    func elements<Element: VectorElement>(_: Element.Type) -> UnsafeMutablePointer<Element> {
        precondition(type == Element.type, "ActivationPointer: \(type) read as \(Element.type)")
        return address.assumingMemoryBound(to: Element.self)
    }
}

/// An element type as loops see it: loaded into, and stored from, vectors of floats.
protocol VectorElement: BitwiseCopyable {
    static var type: ElementType { get }
    init(_ value: Float)
    var float: Float { get }
    /// Sixteen elements from `pointer` on; no alignment is needed.
    static func load(_ pointer: UnsafePointer<Self>) -> Lanes
    /// Stores sixteen elements from `pointer` on, rounded to nearest even.
    static func store(_ value: Lanes, _ pointer: UnsafeMutablePointer<Self>)
}

extension Float: VectorElement {
    static var type: ElementType { .float32 }
    var float: Float { self }
    @inline(always)
    static func load(_ pointer: UnsafePointer<Float>) -> Lanes { pointer.lanes(0) }
    @inline(always)
    static func store(_ value: Lanes, _ pointer: UnsafeMutablePointer<Float>) { pointer.store(value, 0) }
}

/// The upper half of a float32.
struct BFloat16: VectorElement {
    let bits: UInt16

    static var type: ElementType { .bfloat16 }

    init(_ value: Float) {
        // As the shim of the vectors.
        let bits = value.bitPattern
        self.bits = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }

    var float: Float { Float(bitPattern: UInt32(bits) << 16) }

    @inline(always)
    static func load(_ pointer: UnsafePointer<BFloat16>) -> Lanes {
        shim_bfloat16_to_float(UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<UInt16>.self))
    }

    @inline(always)
    static func store(_ value: Lanes, _ pointer: UnsafeMutablePointer<BFloat16>) {
        UnsafeMutableRawPointer(pointer).storeBytes(of: shim_float_to_bfloat16(value), as: SIMD16<UInt16>.self)
    }
}

/// Sixteen elements or, at the end of a run, fewer.
enum Chunk {
    /// `count` elements from `pointer` on, the rest of the lanes filled with `fill`.
    @inline(always)
    static func load<Element: VectorElement>(
        _ pointer: UnsafePointer<Element>, _ count: Int, fill: Float = 0
    ) -> Lanes {
        if count >= 16 { return Element.load(pointer) }
        var value = Lanes(repeating: fill)
        for lane in 0..<count { value[lane] = pointer[lane].float }
        return value
    }

    /// Stores the first `count` lanes from `pointer` on.
    @inline(always)
    static func store<Element: VectorElement>(_ value: Lanes, _ pointer: UnsafeMutablePointer<Element>, _ count: Int) {
        if count >= 16 {
            Element.store(value, pointer)
        } else {
            for lane in 0..<count { pointer[lane] = Element(value[lane]) }
        }
    }

    /// Calls `body` with the offset and length of each run of up to sixteen in `0..<count`.
    @inline(always)
    static func forEach(_ count: Int, _ body: (Int, Int) -> Void) {
        var offset = 0
        while offset + 16 <= count {
            body(offset, 16)
            offset += 16
        }
        if offset < count { body(offset, count - offset) }
    }
}
