/// Where the images come from. Their size, channels and classes are in `NetworkConfiguration`, which needs them too.
package struct DataConfiguration: Sendable, Equatable {
    /// A data set.
    package enum Source: Sendable, Equatable {
        /// The 1,797 handwritten digits (8x8, grey, ten classes) built into the programs.
        case digits
        /// A file: comma-separated pixels and a label per line, gzipped; or, with `labels`, an IDX file of images.
        case file(path: String)
    }

    /// The data set.
    package var source = Source.digits

    /// The path of the IDX file of labels that belongs to an IDX file of images; empty for any other source.
    package var labels = ""
}
