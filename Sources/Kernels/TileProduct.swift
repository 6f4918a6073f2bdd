import COneDNN
import COpenMP
import Synchronization

/// The product of two small row-major bfloat16 matrices on the calling thread, summed and stored in float32.
///
/// Threading: may be used by several threads at once, inside a region of the pool too.
final class TileProduct: Sendable {
    struct Shape: Hashable {
        /// `a` is `[rows, inner]`, `b` `[inner, columns]`, the result `[rows, columns]`.
        let rows: Int, inner: Int, columns: Int
        /// True where `a` is stored as `[inner, rows]`, `b` as `[columns, inner]`.
        var transposedA = false, transposedB = false
        /// True where the product is added to what the result holds.
        var adds = false
    }

    private struct Cache: ~Copyable {
        var plans: [Shape: TileProduct] = [:]
    }
    private static let cache = Mutex(Cache())

    /// The product of this shape, made at the first call.
    static func plan(_ shape: Shape) -> TileProduct {
        cache.withLock { cache in
            if let plan = cache.plans[shape] { return plan }
            let plan = TileProduct(shape)
            cache.plans[shape] = plan
            return plan
        }
    }

    // oneDNN does not change a primitive or a layout once it is made, and each call brings its own memory objects.
    nonisolated(unsafe) private let primitive: dnnl_primitive_t?
    private let left: dnnl_memory_desc_t
    private let right: dnnl_memory_desc_t
    private let result: dnnl_memory_desc_t
    private let scratch: dnnl_memory_desc_t
    /// The floats of scratch memory that a call needs.
    let scratchCount: Int

    private init(_ shape: Shape) {
        // Its work is cut for the threads it finds now, and it runs on one.
        omp_set_num_threads(1)
        let (m, k, n) = (Int64(shape.rows), Int64(shape.inner), Int64(shape.columns))
        var left = Library.layout([m, k], shape.transposedA ? dnnl_ba : dnnl_ab, .bfloat16)
        var right = Library.layout([k, n], shape.transposedB ? dnnl_ba : dnnl_ab, .bfloat16)
        var result = Library.layout([m, n], dnnl_ab)
        var operation = dnnl_matmul_desc_t()
        Library.check(dnnl_matmul_desc_init(&operation, &left, &right, nil, &result), "tile product")
        let description = PrimitiveDescription(&operation, hint: nil, adding: shape.adds)
        var scratch = description.layout(dnnl_query_scratchpad_md)
        scratchCount = (dnnl_memory_desc_get_size(&scratch) + 3) / 4
        self.scratch = scratch
        var primitive: dnnl_primitive_t?
        Library.check(dnnl_primitive_create(&primitive, description.handle), "tile product")
        (self.primitive, self.left, self.right, self.result) = (primitive, left, right, result)
    }

    /// `scratch`, on a 64-byte boundary, is this call's alone.
    func run(
        _ a: UnsafePointer<BFloat16>, _ b: UnsafePointer<BFloat16>, into c: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let memories = (
            Memory(left, UnsafeMutableRawPointer(mutating: a)), Memory(right, UnsafeMutableRawPointer(mutating: b)),
            Memory(result, UnsafeMutableRawPointer(c)), Memory(self.scratch, UnsafeMutableRawPointer(scratch))
        )
        withExtendedLifetime(memories) {
            withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: 4) { list in
                list[0] = dnnl_exec_arg_t(arg: DNNL_ARG_SRC, memory: memories.0.handle)
                list[1] = dnnl_exec_arg_t(arg: DNNL_ARG_WEIGHTS, memory: memories.1.handle)
                list[2] = dnnl_exec_arg_t(arg: DNNL_ARG_DST, memory: memories.2.handle)
                list[3] = dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: memories.3.handle)
                Library.check(dnnl_primitive_execute(primitive, Library.stream, 4, list.baseAddress), "tile product")
            }
        }
    }

    deinit { dnnl_primitive_destroy(primitive) }
}
