package import Coordination

/// A run's status as `dmd2 status --json` prints it: the same keys whether the run is live or over.
package struct ShownStatus: Encodable {
    /// True if a coordinator gave it, false if it is what the journal knew last.
    package let live: Bool
    /// The run folder.
    package let folder: String
    /// The status, whose keys stand beside the other two.
    package let status: RunStatus

    /// A status of the run in a folder.
    package init(live: Bool, folder: String, status: RunStatus) {
        self.live = live
        self.folder = folder
        self.status = status
    }

    private enum CodingKeys: CodingKey {
        case live, folder
    }

    package func encode(to encoder: any Encoder) throws {
        try status.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(live, forKey: .live)
        try container.encode(folder, forKey: .folder)
    }
}
