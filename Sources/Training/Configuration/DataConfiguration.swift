/// Where the images come from. Their size, channels and classes are in `NetworkConfiguration`, which needs them too.
package struct DataConfiguration: Sendable, Equatable {
    /// A data set.
    package enum Source: Sendable, Equatable {
        /// The 1,797 handwritten digits (8x8, grey, ten classes) built into the programs.
        case digits
        /// 10,000 points of eight Gaussians on a circle in the plane, ``GaussianMixture/eightModes``: images of 1x1 pixels
        /// and two channels, of one class. The density, and so the exact denoiser, are known.
        case mixture2d
        /// A file: comma-separated pixels and a label per line, gzipped; or, with `labels`, an IDX file of images.
        case file(path: String)

        /// True for data that come with the programs.
        var isBuiltIn: Bool {
            switch self {
            case .digits, .mixture2d: true
            case .file: false
            }
        }
    }

    /// The data set.
    package var source = Source.digits

    /// The path of the IDX file of labels that belongs to an IDX file of images; empty for any other source.
    package var labels = ""
}
