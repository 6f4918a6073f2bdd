import CMalloc

/// The C library's heap, from which everything comes that is not a tensor's.
package enum SystemHeap {
    /// Gives the pages of freed memory back to the system.
    ///
    /// The library keeps most of what was once taken, in case it is wanted again. Called after work that takes much for a
    /// moment, such as describing a checkpoint, it keeps the resident size where it was. Takes about a millisecond.
    package static func trim() { _ = shim_malloc_trim() }
}
