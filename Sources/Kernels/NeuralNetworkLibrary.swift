import COneDNN

/// oneDNN's processor engine and stream, and its C calls with their status checked.
///
/// A status other than success here can only be our own mistake (shapes it does not take), so it traps.
enum Library {
    /// The engine and stream live as long as the process.
    nonisolated(unsafe) static let engine: dnnl_engine_t? = {
        var engine: dnnl_engine_t?
        check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine")
        return engine
    }()

    nonisolated(unsafe) static let stream: dnnl_stream_t? = {
        var stream: dnnl_stream_t?
        check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "stream")
        return stream
    }()

    static func check(_ status: dnnl_status_t, _ operation: String) {
        precondition(status == dnnl_success, "oneDNN \(operation): status \(status.rawValue)")
    }

    static func layout(
        _ dimensions: [Int64], _ tag: dnnl_format_tag_t, _ type: ElementType = .float32
    ) -> dnnl_memory_desc_t {
        var layout = dnnl_memory_desc_t()
        check(
            dnnl_memory_desc_init_by_tag(
                &layout, Int32(dimensions.count), dimensions, type == .float32 ? dnnl_f32 : dnnl_bf16, tag),
            "layout \(dimensions)")
        return layout
    }
}

/// Owns a description of a primitive, whose scratch memory comes with every call.
///
/// oneDNN's own, as Debian builds it, belongs to the thread that makes a primitive: another one that runs it finds its
/// own too small, or none.
final class PrimitiveDescription {
    let handle: dnnl_primitive_desc_t?

    /// An operation, which adds to its target where asked.
    init(_ operation: UnsafeRawPointer, hint: PrimitiveDescription?, adding: Bool = false) {
        var handle: dnnl_primitive_desc_t?
        Self.withAttributes(adding: adding) { attributes in
            Library.check(
                dnnl_primitive_desc_create(&handle, operation, attributes, Library.engine, hint?.handle),
                "primitive description")
        }
        self.handle = handle
    }

    /// A change of layout, which adds to its target where asked.
    init(reorderFrom source: dnnl_memory_desc_t, to target: dnnl_memory_desc_t, adding: Bool) {
        var (source, target) = (source, target)
        var handle: dnnl_primitive_desc_t?
        Self.withAttributes(adding: adding) { attributes in
            Library.check(
                dnnl_reorder_primitive_desc_create(
                    &handle, &source, Library.engine, &target, Library.engine, attributes), "reorder")
        }
        self.handle = handle
    }

    private static func withAttributes(adding: Bool, _ body: (dnnl_primitive_attr_t?) -> Void) {
        var attributes: dnnl_primitive_attr_t?
        Library.check(dnnl_primitive_attr_create(&attributes), "attributes")
        defer { dnnl_primitive_attr_destroy(attributes) }
        var operations: dnnl_post_ops_t?
        Library.check(dnnl_post_ops_create(&operations), "post-operations")
        defer { dnnl_post_ops_destroy(operations) }
        if adding { Library.check(dnnl_post_ops_append_sum(operations, 1), "post-operation sum") }
        Library.check(dnnl_primitive_attr_set_post_ops(attributes, operations), "attributes")
        Library.check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), "scratch memory")
        body(attributes)
    }

    /// The layout that the library chose for an argument.
    func layout(_ query: dnnl_query_t) -> dnnl_memory_desc_t {
        guard let layout = dnnl_primitive_desc_query_md(handle, query, 0) else {
            preconditionFailure("oneDNN query \(query.rawValue): the primitive has no such argument")
        }
        return layout.pointee
    }

    deinit { dnnl_primitive_desc_destroy(handle) }
}

/// Owns a layout bound, call by call, to somebody else's memory.
final class Memory {
    let handle: dnnl_memory_t?
    /// The size of the layout, its padding included.
    let byteCount: Int

    init(_ layout: dnnl_memory_desc_t) {
        var layout = layout
        var handle: dnnl_memory_t?
        Library.check(dnnl_memory_create(&handle, &layout, Library.engine, nil), "memory")
        self.handle = handle
        byteCount = dnnl_memory_desc_get_size(&layout)
    }

    /// A layout bound for good.
    init(_ layout: dnnl_memory_desc_t, _ data: UnsafeMutableRawPointer) {
        var layout = layout
        var handle: dnnl_memory_t?
        Library.check(dnnl_memory_create(&handle, &layout, Library.engine, data), "memory")
        self.handle = handle
        byteCount = dnnl_memory_desc_get_size(&layout)
    }

    deinit { dnnl_memory_destroy(handle) }
}

/// Owns a compiled primitive.
final class Primitive {
    private let handle: dnnl_primitive_t?
    private let kind: OperationProfile.Kind
    private let scratch: Memory

    /// `kind` is what its time counts for.
    init(_ description: PrimitiveDescription, _ kind: OperationProfile.Kind) {
        self.kind = kind
        scratch = Memory(description.layout(dnnl_query_scratchpad_md))
        var handle: dnnl_primitive_t?
        Library.check(dnnl_primitive_create(&handle, description.handle), "primitive")
        self.handle = handle
    }

    /// Runs the primitive to its end on the pool. Each argument: oneDNN's number of it, its layout, its data.
    func execute(_ arguments: (Int32, Memory, UnsafeMutableRawPointer)...) {
        let timer = OperationProfile.start(kind)
        defer { timer.stop() }
        ThreadPool.applyToCallingThread()
        ScratchMemory.lend(byteCount: scratch.byteCount) { scratchArea in
            withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: arguments.count + 1) { list in
                for (index, argument) in (arguments + [(DNNL_ARG_SCRATCHPAD, scratch, scratchArea)]).enumerated() {
                    Library.check(dnnl_memory_set_data_handle(argument.1.handle, argument.2), "data handle")
                    list[index] = dnnl_exec_arg_t(arg: argument.0, memory: argument.1.handle)
                }
                Library.check(
                    dnnl_primitive_execute(handle, Library.stream, Int32(list.count), list.baseAddress), "execute")
            }
        }
        Library.check(dnnl_stream_wait(Library.stream), "wait")
    }

    deinit { dnnl_primitive_destroy(handle) }
}
